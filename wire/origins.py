"""Which web origins may call: one rule for CORS and for the sockets."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wire.hosts import is_allowed_host

logger = logging.getLogger(__name__)

DEFAULT_PORTS = {"http": 80, "https": 443}
# What a developer's own page has as its origin; 10.0.2.2 is the host of an Android emulator.
LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\]|10\.0\.2\.2)(:[0-9]+)?")
ORIGIN_CHARS = 300  # a host has at most 253
NOTE_SECONDS = 60  # an origin is named in the log once in that time,
NOTES = 10  # and so many of them at most


@lru_cache(1024)
def normalize_origin(origin: str) -> str:
    """The one spelling in which origins are compared: lower case, without the default port and a dot at the end of
    the host. Browsers send that form (RFC 6454, section 6.1); people and other clients write others."""
    scheme, separator, _ = origin.partition("://")
    if not separator:
        return origin.lower()  # "null"
    parts = urlsplit(origin.lower())
    host, port = _split(parts.netloc)
    is_default = port is None or port == DEFAULT_PORTS.get(parts.scheme)
    return f"{scheme.lower()}://{host}{'' if is_default else f':{port}'}{parts.path}"


def is_allowed(origin: str) -> bool:
    """Return whether a page of this origin may call: one that the operator has named, or a developer's on a desk."""
    if settings.CORS_ALLOW_ALL_ORIGINS:
        return True
    try:
        origin = normalize_origin(origin[:ORIGIN_CHARS])
    except ValueError:
        return False
    allowed = (normalize_origin(each) for each in settings.CORS_ALLOWED_ORIGINS)
    return origin in allowed or (settings.ON_A_DESK and LOCAL.fullmatch(origin) is not None)


def is_own(origin: str, host: str) -> bool:
    """Return whether the page comes from this server, by the Host header of its request, which must be allowed."""
    try:
        parts = urlsplit(normalize_origin(origin[:ORIGIN_CHARS]))
        default = DEFAULT_PORTS[parts.scheme]
        (name, port), (own_name, own_port) = _split(parts.netloc), _split(host)
        is_same = (name, port or default) == (own_name, own_port or default)
        return is_same and is_allowed_host(host)
    except (KeyError, ValueError):  # an app's own scheme is no server's; a header that is malformed
        return False


_noted: dict[str, float] = {}
_lock = Lock()


def note_refusal(origin: str) -> None:
    """Name the origin and the setting in the log: a page shows its developer nothing but a network error."""
    now = monotonic()
    with _lock:
        for other in [other for other, at in _noted.items() if now - at >= NOTE_SECONDS]:
            del _noted[other]
        if origin in _noted or len(_noted) >= NOTES:
            return
        _noted[origin] = now
    logger.warning("The origin %s is refused. If it is yours, add it to CORS_ALLOWED_ORIGINS.", ascii(origin[:100]))


class OriginMiddleware(CorsMiddleware):
    """The CORS headers, by the rule of this module; an origin that gets none is named in the log."""

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        origin = request.headers.get("Origin", "")
        if origin and not is_allowed(origin) and not is_own(origin, request.META.get("HTTP_HOST", "")):
            note_refusal(origin)
        return super().add_response_headers(request, response)

    def origin_found_in_white_lists(self, origin: str, url: Any) -> bool:
        return is_allowed(origin)


def _split(netloc: str) -> tuple[str, int | None]:
    """Host and port; raises ValueError for a port that is none."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*?)\.?(?::([0-9]{0,5}))?", netloc.lower())
    if found is None:
        raise ValueError(netloc)
    return found[1], int(found[2]) if found[2] else None
