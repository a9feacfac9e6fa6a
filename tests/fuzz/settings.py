"""Settings of the server under test: the real ones, with cheap password hashes."""

from settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["tests.hashers.CheapArgon2PasswordHasher"]
