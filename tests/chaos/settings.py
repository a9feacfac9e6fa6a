"""How the servers under test are wired: as in earnest, but for the price of a password."""

from settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["tests.hashers.CheapArgon2PasswordHasher"]
