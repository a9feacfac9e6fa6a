"""The rule which web origins may call, for CORS and for sockets."""

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
from django.utils.cache import patch_vary_headers

from wire.hosts import is_allowed_host

logger = logging.getLogger(__name__)

DEFAULT_PORTS = {"http": 80, "https": 443}
# The origins of pages on a developer's machine; 10.0.2.2 is that machine to an Android emulator.
LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\]|10\.0\.2\.2)(:[0-9]+)?")
ORIGIN_CHARS = 300  # a host has at most 253
LOG_SECONDS = 60  # the log names an origin at most once in this time
MAX_LOGGED = 10  # and at most so many origins


@lru_cache(1024)
def normalize_origin(origin: str) -> str:
    """Return the spelling in which origins are compared: lower case, no default port, no dot at the end of the host.

    Browsers send that form (RFC 6454, section 6.1); operators and other clients write other forms.
    """
    scheme, separator, _ = origin.partition("://")
    if not separator:
        return origin.lower()  # "null"
    parts = urlsplit(origin.lower())
    host, port = _split(parts.netloc)
    is_default = port is None or port == DEFAULT_PORTS.get(parts.scheme)
    return f"{scheme.lower()}://{host}{'' if is_default else f':{port}'}{parts.path}"


def is_allowed(origin: str) -> bool:
    """Return whether pages of this origin may call: it is listed, or both are on a developer's machine."""
    if settings.CORS_ALLOW_ALL_ORIGINS:
        return True
    try:
        origin = normalize_origin(origin[:ORIGIN_CHARS])
    except ValueError:
        return False
    allowed = (normalize_origin(each) for each in settings.CORS_ALLOWED_ORIGINS)
    return origin in allowed or (settings.LOOPBACK_ONLY and LOCAL.fullmatch(origin) is not None)


def is_own(origin: str, host: str) -> bool:
    """Return whether the page is this server's own, by the Host header of its request, which must be allowed."""
    try:
        parts = urlsplit(normalize_origin(origin[:ORIGIN_CHARS]))
        default = DEFAULT_PORTS[parts.scheme]
        (name, port), (own_name, own_port) = _split(parts.netloc), _split(host)
        is_same = (name, port or default) == (own_name, own_port or default)
        return is_same and is_allowed_host(host)
    except (KeyError, ValueError):  # a scheme of an app, or a malformed header
        return False


_logged: dict[str, float] = {}
_lock = Lock()


def log_rejection(origin: str) -> None:
    """Write the origin and the setting to the log: the page itself shows only a network error."""
    now = monotonic()
    with _lock:
        for other in [other for other, at in _logged.items() if now - at >= LOG_SECONDS]:
            del _logged[other]
        if origin in _logged or len(_logged) >= MAX_LOGGED:
            return
        _logged[origin] = now
    logger.warning("Rejected the origin %s. If it is yours, add it to CORS_ALLOWED_ORIGINS.", ascii(origin[:100]))


class OriginMiddleware(CorsMiddleware):
    """Adds the CORS headers by the rule of this module, and logs the origins that get none."""

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        origin = request.META.get("HTTP_ORIGIN", "")
        if not origin:  # apps and servers send none; a cache must not give their answer to a page
            patch_vary_headers(response, ("origin",))
            return response
        if not is_allowed(origin) and not is_own(origin, request.META.get("HTTP_HOST", "")):
            log_rejection(origin)
        return super().add_response_headers(request, response)

    def origin_found_in_white_lists(self, origin: str, url: Any) -> bool:
        return is_allowed(origin)


def _split(netloc: str) -> tuple[str, int | None]:
    """Split host and port. Raises ValueError for a malformed host or port."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*?)\.?(?::([0-9]{0,5}))?", netloc.lower())
    if found is None:
        raise ValueError(netloc)
    return found[1], int(found[2]) if found[2] else None
