"""The settings of servers with small limits, which a test reaches with a few calls; imported before the limits are."""

from settings.base import *  # noqa: F403
from tests.limits.small import SMALL
from wire import rates

PASSWORD_HASHERS = ["tests.hashers.CheapArgon2PasswordHasher"]

ASGI_APPLICATION = "tests.limits.stalling.application"
LIMITS_REDIS_SECONDS = 1.0  # on a busy machine Redis needs longer

for name, (limit, window_seconds) in SMALL.items():
    object.__setattr__(rates.RATES[name], "limit", limit)
    object.__setattr__(rates.RATES[name], "window_seconds", window_seconds)
    rates.ANNOUNCED[name] |= {"limit": limit, "window_seconds": window_seconds}
