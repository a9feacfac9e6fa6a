"""Settings of the servers under test: the real ones, with passwords hashed fast and a window into the process."""

from settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["tests.hashers.CheapArgon2PasswordHasher"]
ASGI_APPLICATION = "tests.realtime.inspected.application"
