"""Verifies JWTs (RFC 7519) with the one key that the settings name (RFC 8725). Imported with the first JWT."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings

from accounts.claims import LEEWAY_SECONDS, Claims
from accounts.jwks import KeySet, VerificationKey, read_pem
from accounts.models import is_external_id
from accounts.serializers import JWT_CHARS
from wire import strict_json
from wire.problems import Problem

LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_PARTS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def verify(token: str) -> Claims:
    """Verify a token. Raises Problem auth.invalid_token with the reason, or unavailable while keys cannot be read."""
    if len(token) > JWT_CHARS or not _PARTS.fullmatch(token):
        raise _refused("It is no JWT.")
    header = _read(token.split(".")[0], "header")
    key = _find_key(header)
    if key is None:
        raise _refused("No key has the kid of its header.")
    # The key decides the algorithm. jku, jwk, x5u and x5c of the header are never read.
    if header.get("alg") != key.algorithm:
        raise _refused(f"Its alg must be {key.algorithm}.")
    try:
        jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            leeway=LEEWAY_SECONDS,
            audience=settings.JWT_AUDIENCE or None,
            issuer=settings.JWT_ISSUER or None,
            options={"require": ["sub", "exp", "iat"]},
        )
    except jwt.PyJWTError as error:
        raise _refused(_REASONS.get(type(error), "It is malformed.")) from error
    return _claims_of(_read(token.split(".")[1], "payload"))


_REASONS: dict[type[jwt.PyJWTError], str] = {
    jwt.InvalidSignatureError: "Its signature is wrong.",
    jwt.ExpiredSignatureError: "It has expired.",
    jwt.ImmatureSignatureError: "It is not valid yet: its iat or nbf is in the future.",
    jwt.InvalidAudienceError: "Its aud is not this server's.",
    jwt.InvalidIssuerError: "Its iss is not the one that this server trusts.",
    jwt.MissingRequiredClaimError: "It needs sub, exp and iat, and the iss and aud that this server expects.",
}


def _claims_of(payload: dict[str, Any]) -> Claims:
    """Read the claims of a verified token strictly: PyJWT takes "5" for the number 5."""
    external_id = payload.get("sub")
    if not isinstance(external_id, str) or not is_external_id(external_id):
        raise _refused("Its sub is no external id: 1 to 255 printable ASCII characters.")
    issued_at, expires_at = _time_of(payload.get("iat")), _time_of(payload.get("exp"))
    if issued_at is None or expires_at is None or ("nbf" in payload and _time_of(payload["nbf"]) is None):
        raise _refused("Its iat, exp and nbf must be numbers of seconds.")
    return Claims(external_id, issued_at, expires_at, payload.get("name"), payload.get("picture"))


def _time_of(seconds: object) -> datetime | None:
    """Convert a NumericDate (RFC 7519, section 2). Returns None for anything else."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    if not 0 <= seconds <= strict_json.MAX_NUMBER:
        return None
    return datetime.fromtimestamp(min(seconds, LATEST), UTC)


def _read(part: str, name: str) -> dict[str, Any]:
    """Parse a part. A key that occurs twice is refused: two readers could take two values.

    Otherwise any JSON will do, because claims that nobody here knows are ignored (RFC 7519, section 4): the strict
    JSON of the API would refuse a token for a number in one of them. JWT_CHARS bounds it.
    """
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        value = json.loads(raw.decode(), object_pairs_hook=_object_of)
    except (ValueError, RecursionError) as error:  # the second for some thousand brackets
        raise _refused(f"Its {name} is not acceptable JSON.") from error
    if not isinstance(value, dict):
        raise _refused(f"Its {name} is no object.")
    return value


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("an object has the same key twice")
    return value


def _find_key(header: dict[str, Any]) -> VerificationKey | None:
    if settings.JWT_SECRET:
        return VerificationKey("HS256", settings.JWT_SECRET.encode())
    if settings.JWT_PUBLIC_KEY:
        return _public_key(settings.JWT_PUBLIC_KEY)
    key_id = header.get("kid")
    if not isinstance(key_id, str | None):
        return None
    return _key_set(settings.JWT_JWKS_URL).find(key_id)


_public_key = lru_cache(4)(read_pem)
_key_set = lru_cache(4)(KeySet)


def _refused(reason: str) -> Problem:
    return Problem("auth.invalid_token", f"The JWT is refused. {reason}")
