"""The password hash."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class OneCoreArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's Argon2 in one thread: with its default of eight threads, one login uses all cores of a machine.

    Work and memory are the same. The next login replaces a hash that was made with eight threads.
    """

    parallelism = 1
