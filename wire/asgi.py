"""Renders problems as plain HTTP responses where no Django request exists: the server's, and rejected handshakes."""

import orjson
from django.http import HttpRequest, HttpResponse

from wire.origins import OriginMiddleware
from wire.problems import CONTENT_TYPE, REFUSALS, Problem
from wire.security import security_headers

_cors = OriginMiddleware(lambda request: HttpResponse())


def render_problem(problem: Problem, request_id: str, origin: str | None) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return headers and body. The headers let a page of this origin read them, if django-cors-headers allows it.

    None stands for an answer that no page can read, such as that of a handshake; it costs a tenth.
    """
    REFUSALS.add(problem.code)
    body = orjson.dumps(problem.as_dict(request_id))
    headers = {"content-type": CONTENT_TYPE, "content-length": str(len(body)), "x-request-id": request_id}
    headers |= security_headers() | problem.headers() | ({} if origin is None else _cors_headers(origin))
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()], body


def _cors_headers(origin: str) -> dict[str, str]:
    request, response = HttpRequest(), HttpResponse()
    del response["Content-Type"]
    request.method, request.path_info = "GET", "/"
    if origin:
        request.META["HTTP_ORIGIN"] = origin
    _cors.add_response_headers(request, response)
    return dict(response.items())
