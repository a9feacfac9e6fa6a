"""The settings of JWTs that an app's backend or its identity provider signs."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from settings import env

MIN_SECRET_BYTES = 32  # RFC 7518, section 3.2
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class JwtSettings(NamedTuple):
    """At most one of `secret`, `public_key` (PEM) and `jwks_url` is not empty."""

    secret: str
    public_key: str
    jwks_url: str
    issuer: str
    audience: str


def jwt_settings() -> JwtSettings:
    """Read JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL, and JWT_ISSUER and JWT_AUDIENCE."""
    found = JwtSettings(
        env.secret("JWT_SECRET", "", may_be_empty=True),
        env.secret("JWT_PUBLIC_KEY", "", may_be_empty=True).replace("\\n", "\n"),
        env.text("JWT_JWKS_URL", ""),
        env.text("JWT_ISSUER", ""),
        env.text("JWT_AUDIENCE", ""),
    )
    keys = [key for key in (found.secret, found.public_key, found.jwks_url) if key]
    if len(keys) > 1:
        raise ImproperlyConfigured("Set one of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL, not several.")
    if not keys and (found.issuer or found.audience):
        raise ImproperlyConfigured(
            "JWT_ISSUER and JWT_AUDIENCE need JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL beside them."
        )
    if found.secret and len(found.secret.encode()) < MIN_SECRET_BYTES:
        raise ImproperlyConfigured(f"JWT_SECRET is too short: write at least {MIN_SECRET_BYTES} random bytes.")
    if found.secret.startswith("-----BEGIN"):
        raise ImproperlyConfigured("JWT_SECRET holds a key in PEM: a public key belongs into JWT_PUBLIC_KEY.")
    if found.public_key:
        _check_public_key(found.public_key)
    if found.jwks_url:
        _check_url(found.jwks_url)
    return found


def _check_public_key(pem: str) -> None:
    # Imported here: without a key, nothing of it is loaded.
    from accounts.jwks import read_pem

    try:
        read_pem(pem)
    except ValueError:
        raise ImproperlyConfigured(
            "JWT_PUBLIC_KEY must be a public key in PEM: RSA of 2,048 bits or more, P-256 or Ed25519."
        ) from None


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0 and parts.username is None and not re.search(r"\s", url)
    except ValueError:
        raise ImproperlyConfigured("JWT_JWKS_URL has a malformed host or port.") from None
    if not valid or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise ImproperlyConfigured(
            "JWT_JWKS_URL must be an https address such as https://id.example.com/.well-known/jwks.json; "
            "http is for this machine alone."
        )
