"""The claims of a JWT, and whether this server accepts JWTs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings

LEEWAY_SECONDS = 30  # by which clocks may differ


class Claims(NamedTuple):
    """The claims of a verified token. `name` and `picture` are as given, of any type."""

    external_id: str
    issued_at: datetime
    expires_at: datetime
    name: Any
    picture: Any


def accepts_jwts() -> bool:
    """Return whether this server accepts JWTs."""
    return bool(settings.JWT_SECRET or settings.JWT_PUBLIC_KEY or settings.JWT_JWKS_URL)


def looks_like_jwt(token: str) -> bool:
    """Return whether a token has the form of a JWT, which no token of a session has."""
    return token.count(".") == 2
