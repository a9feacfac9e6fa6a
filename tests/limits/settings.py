"""The settings of servers with small limits, which a test reaches with a few calls; imported before the limits are."""

from settings.base import *  # noqa: F403
from wire import rates

PASSWORD_HASHERS = ["tests.hashers.CheapArgon2PasswordHasher"]

LIMITS_REDIS_SECONDS = 1.0  # on a busy machine Redis needs longer

SMALL = {
    "search": (5, 5),
    "sync": (30, 60),
    "write": (10, 10),
    "read": (60, 30),
    "typing": (5, 5),
    "send": (60, 30),
    "send_room": (80, 40),
    "work": (900, 60),
    "handshake": (60, 30),
    "refused_handshake": (3, 30),
    "anonymous": (20, 20),
    "hash": (12, 60),
    "register": (4, 60),
    "refused": (20, 4),
}
for name, (limit, window_seconds) in SMALL.items():
    object.__setattr__(rates.RATES[name], "limit", limit)
    object.__setattr__(rates.RATES[name], "window_seconds", window_seconds)
    rates.ANNOUNCED[name] |= {"limit": limit, "window_seconds": window_seconds}
