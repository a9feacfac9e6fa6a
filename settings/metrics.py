"""GET /metrics, for Prometheus: with METRICS_TOKEN as a bearer token, or open on a developer's own server."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from wire.exposition import may_read, render
from wire.hosts import is_allowed_host
from wire.problems import Problem
from wire.views import problem_response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all workers; 404 where neither METRICS_TOKEN is set nor the server is a developer's."""
    if not (settings.METRICS_TOKEN or (settings.LOOPBACK_ONLY and not settings.METRICS_PORT)):
        return problem_response(Problem("not_found"), request)
    if not is_allowed_host(request.META.get("HTTP_HOST") or request.META["SERVER_NAME"]):
        return problem_response(Problem("request.invalid", "The Host header is none of ALLOWED_HOSTS."), request)
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    if not may_read(authorization):
        code = "auth.invalid_token" if authorization else "auth.required"
        return problem_response(Problem(code, "Send Authorization: Bearer <METRICS_TOKEN>."), request)
    content, content_type = render(request.META.get("HTTP_ACCEPT", ""))
    return HttpResponse(content, content_type=content_type, headers={"Cache-Control": "no-store"})
