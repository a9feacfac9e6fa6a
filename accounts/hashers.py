"""The password hash."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class OneCoreArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's Argon2 in one thread: its default of eight takes all cores of a machine for one login. The work and the
    memory are the same. A hash of eight threads is replaced at the next login."""

    parallelism = 1
