"""The real password hash at its least cost, so that a hundred tests do not spend a minute on it."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class CheapArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2 in one pass over 8 KiB."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
