"""Problems: one registry of error codes, one exception, one JSON form (RFC 9457) for REST and the socket."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import exceptions as django
from django.http import Http404
from rest_framework import exceptions as drf

from wire.metrics import LabelledCounter
from wire.outages import is_outage

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
FIELD_CHARS = 200  # of the name of an invalid field in the response; a client may send a name of 200 KB
RETRY_AFTER_MS = 1_000
REFUSALS = LabelledCounter("parley_refusals_total", "Problems that clients got; limits are those with limit.*", "code")


@dataclass(frozen=True, slots=True)
class Kind:
    """The fixed meaning of a code: HTTP status, one-line title, and whether the same request may succeed later."""

    status: int
    title: str
    retryable: bool = False


REGISTRY: dict[str, Kind] = {}


def define(code: str, status: int, title: str, retryable: bool = False) -> str:
    """Register a code at import. Raises ValueError for a second definition with another meaning."""
    kind = Kind(status, title, retryable)
    if REGISTRY.setdefault(code, kind) != kind:
        raise ValueError(f"The problem code {code} is defined twice, with different meanings.")
    return code


define("request.invalid", 400, "The request is not valid.")
define("json.invalid", 400, "The body is not acceptable JSON.")
define("auth.required", 401, "Authentication is required.")
define("auth.invalid_token", 401, "The token is unknown, expired or revoked.")
define("auth.account_disabled", 403, "The account is disabled.")
define("forbidden", 403, "You may not do this.")
define("not_found", 404, "It does not exist, or you may not see it.")
define("method_not_allowed", 405, "This method is not allowed here.")
define("not_acceptable", 406, "Responses are application/json only.")
define("request.too_large", 413, "The request is too large.")
define("unsupported_media_type", 415, "Send application/json.")
define("upgrade_required", 426, "This address accepts WebSocket connections only.")
define("internal", 500, "The server failed.")
define("unavailable", 503, "The service is temporarily unavailable.", retryable=True)


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid field: its dotted path ("" is the whole body), a code for programs and a sentence for people."""

    field: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field[:FIELD_CHARS], "code": self.code, "detail": self.detail}


class Problem(Exception):
    """An error with a code of the registry. Any layer raises it; REST and the socket render it alike."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after_ms: int | None = None,
        offset: int | None = None,
    ) -> None:
        """`offset` is the right one, for stream.offset: an extension member of RFC 9457, section 3.2."""
        kind = REGISTRY[code]
        super().__init__(code, detail)
        self.code = code
        self.status = kind.status
        self.title = kind.title
        self.retryable = kind.retryable
        self.detail = detail or kind.title
        self.errors = list(errors)
        self.offset = offset
        self.retry_after_ms = RETRY_AFTER_MS if kind.retryable and retry_after_ms is None else retry_after_ms

    def as_dict(self, request_id: str | int | None) -> dict[str, Any]:
        return {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "errors": [error.as_dict() for error in self.errors],
            "retryable": self.retryable,
            "retry_after_ms": self.retry_after_ms,
            "request_id": request_id,
            **({} if self.offset is None else {"offset": self.offset}),
        }

    def headers(self) -> dict[str, str]:
        """Return its HTTP headers: the challenge that RFC 6750 requires with a 401, and Retry-After (RFC 9110)."""
        headers = {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.retry_after_ms is not None:
            headers["Retry-After"] = str(math.ceil(self.retry_after_ms / 1000))
        return headers


def invalid(field: str, code: str, detail: str) -> Problem:
    """Return the Problem of one invalid field."""
    return Problem("request.invalid", errors=[FieldError(field, code, detail)])


def to_problem(exc: BaseException, request_id: str | int | None = None) -> Problem:
    """Convert any exception to a problem. Only an unexpected one is logged; internal details are never exposed."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, drf.ValidationError):
        return Problem("request.invalid", errors=list(_field_errors(exc.detail)))
    if isinstance(exc, django.ValidationError):
        return Problem("request.invalid", errors=list(_model_errors(exc)))
    for kinds, code in _CODES:
        if isinstance(exc, kinds):
            return Problem(code)
    if is_outage(exc):
        logger.warning("The database fails (request %s): %r", request_id, exc)
        return Problem("unavailable")
    logger.error("Unexpected exception (request %s)", request_id, exc_info=exc)
    return Problem("internal")


# The first match counts: RequestDataTooBig is a SuspiciousOperation too.
_CODES: list[tuple[type[BaseException] | tuple[type[BaseException], ...], str]] = [
    (django.RequestDataTooBig, "request.too_large"),
    ((django.SuspiciousOperation, django.BadRequest), "request.invalid"),
    (drf.ParseError, "json.invalid"),
    (drf.NotAuthenticated, "auth.required"),
    (drf.AuthenticationFailed, "auth.invalid_token"),
    ((drf.PermissionDenied, django.PermissionDenied), "forbidden"),
    ((drf.NotFound, Http404, django.ObjectDoesNotExist), "not_found"),
    (drf.MethodNotAllowed, "method_not_allowed"),
    (drf.NotAcceptable, "not_acceptable"),
    (drf.UnsupportedMediaType, "unsupported_media_type"),
]


def _field_errors(detail: object, path: str = "") -> Iterator[FieldError]:
    """Flatten DRF's nested details. The path of `non_field_errors` is that of their parent."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            yield from _field_errors(value, path if key == "non_field_errors" else _join(path, str(key)))
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            yield from _field_errors(value, path if isinstance(value, str) else _join(path, str(index)))
    else:
        yield FieldError(path, getattr(detail, "code", None) or "invalid", str(detail))


def _model_errors(exc: django.ValidationError) -> Iterator[FieldError]:
    """Flatten Django's ValidationError, which models and password validators raise."""
    by_field = exc.error_dict if hasattr(exc, "error_dict") else {"": exc.error_list}
    for field, errors in by_field.items():
        name = "" if field == django.NON_FIELD_ERRORS else field
        for error in errors:
            yield FieldError(name, error.code or "invalid", " ".join(error.messages))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
