"""The pages /problems/<code>: the meaning of an error code and advice for the client, as HTML or JSON."""

from html import escape

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from wire.problems import REGISTRY, Kind, Problem
from wire.views import problem_response

JSON, HTML = "application/json", "text/html"
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{code} - Parley</title>
<h1><code>{code}</code></h1>
<p>{title}</p>
<p>HTTP status {status}. {advice}</p>
<p>In the response, <code>detail</code> describes the single case, <code>errors</code> lists the invalid fields, and
<code>request_id</code> is in the server's log.</p>
<p><a href="/docs">All requests and responses</a></p>
</html>
"""
RETRY = "The same request may succeed later: send it again after retry_after_ms."
NO_RETRY = "The same request will fail again."
ADVICE = {
    400: "The same request will fail again: correct the fields in errors, or the fault in detail.",
    401: "Log in, or send a valid token in the Authorization header.",
    403: "The same request will fail again unless your rights change.",
    404: "The path or the id is wrong, or you may not see the resource.",
    405: "The Allow header lists the methods of this path.",
    406: "Send Accept: application/json, or no Accept header.",
    409: "The request conflicts with the current state: load it, and decide again.",
    413: "Send less: hello.limits and the contracts list the sizes.",
    415: "Send JSON with Content-Type: application/json.",
    426: "Open this address with a WebSocket client.",
    500: "The cause is in the server's log, under request_id.",
}


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """Return the page of one code, as HTML or JSON; 404 for an unknown code."""
    kind = REGISTRY.get(code)
    if kind is None:
        raise Http404
    accepted = request.get_preferred_type([JSON, HTML, "application/problem+json"])
    response: HttpResponse
    if accepted is None:
        response = problem_response(Problem("not_acceptable"), request)
    elif accepted == HTML:
        page = PAGE.format(code=escape(code), **{name: escape(str(fact)) for name, fact in _facts(kind).items()})
        response = HttpResponse(page, content_type=f"{HTML}; charset=utf-8")
        response["Content-Security-Policy"] = POLICY
    else:
        response = JsonResponse({"code": code} | _facts(kind))
    patch_vary_headers(response, ["Accept"])
    return response


def _facts(kind: Kind) -> dict[str, str | int | bool]:
    advice = RETRY if kind.retryable else ADVICE.get(kind.status, NO_RETRY)
    return {"title": kind.title, "status": kind.status, "retryable": kind.retryable, "advice": advice}
