"""The real password hash at its least cost, so that a hundred tests do not spend a minute on it."""

from accounts.hashers import OneCoreArgon2PasswordHasher


class CheapArgon2PasswordHasher(OneCoreArgon2PasswordHasher):
    """Argon2 in one pass over 8 KiB."""

    time_cost = 1
    memory_cost = 8
