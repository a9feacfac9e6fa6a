"""/problems/<code>: what a refusal means and what a client does about it, for people and for programs."""

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
<p><code>detail</code> in the answer says more about the one case, <code>errors</code> names the refused fields, and
<code>request_id</code> stands in the server's log.</p>
<p><a href="/docs">All requests and answers</a></p>
</html>
"""
RETRY = "The same request may succeed later: send it again after retry_after_ms."
ADVICE = {
    400: "The same request will be refused again: change what errors or detail names.",
    401: "Log in, or send a valid token in the Authorization header.",
    403: "The same request will be refused again as long as your rights stay as they are.",
    404: "The path or the id is wrong, or what it names is not visible to you.",
    405: "The Allow header names the methods of this path.",
    406: "Send Accept: application/json, or no Accept header.",
    409: "The request clashes with the present state: load that, and decide again.",
    413: "Send less: hello.limits and the contracts name the sizes.",
    415: "Send JSON with Content-Type: application/json.",
    426: "Open this address with a websocket client.",
    500: "The cause is in the server's log, under request_id.",
}


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """The page of one code, as HTML or JSON; 404 for a code that does not exist."""
    kind = REGISTRY.get(code)
    if kind is None:
        raise Http404
    accepted = request.get_preferred_type([JSON, HTML, "application/problem+json"])
    response: HttpResponse
    if accepted is None:
        response = problem_response(Problem("not_acceptable"), request)
    elif accepted == HTML:
        response = HttpResponse(_html(code, kind), content_type=f"{HTML}; charset=utf-8")
        response["Content-Security-Policy"] = POLICY
    else:
        response = JsonResponse({"code": code} | _facts(kind))
    patch_vary_headers(response, ["Accept"])
    return response


def _facts(kind: Kind) -> dict[str, str | int | bool]:
    advice = RETRY if kind.retryable else ADVICE.get(kind.status, "The same request will be refused again.")
    return {"title": kind.title, "status": kind.status, "retryable": kind.retryable, "advice": advice}


def _html(code: str, kind: Kind) -> str:
    return PAGE.format(code=escape(code), **{name: escape(str(fact)) for name, fact in _facts(kind).items()})
