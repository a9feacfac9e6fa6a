"""The base view of REST, the decorator of its endpoints, and the conversion of every failure to a problem."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, TypeAlias

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import is_valid_path
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from wire import limits, strict_json
from wire.calls import current
from wire.fields import QuerySerializer, validate
from wire.hosts import domain_of, is_allowed_host
from wire.operations import Operation
from wire.outages import release_cursors
from wire.parsers import StrictJsonParser
from wire.problems import CONTENT_TYPE, REFUSALS, Problem, to_problem
from wire.renderers import JsonNegotiation, JsonRenderer


class ApiView(APIView):
    """A view whose methods are endpoints: each finds its object, makes one service call and answers."""

    parser_classes = (StrictJsonParser,)
    renderer_classes: tuple[type[JsonRenderer], ...] = (JsonRenderer,)
    content_negotiation_class = JsonNegotiation
    metadata_class = None
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]  # noqa: RUF012  (Django's own form)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # DRF treats a body without a Content-Length, as chunked ones are, as no body at all.
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            request.META["CONTENT_LENGTH"] = str((settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if (call := current.get()) is not None:
            call.operation = getattr(getattr(self, (request.method or "").lower(), None), "operation", None)
        _check_host(request)
        super().initial(request, *args, **kwargs)

    @property
    def default_response_headers(self) -> dict[str, str]:
        # Every answer is for one user, and some hold a token: no cache may store it (RFC 9111, section 5.2.2.5).
        return {**super().default_response_headers, "Cache-Control": "no-store"}

    def get_exception_handler(self) -> Any:
        return handle_exception


Method: TypeAlias = Callable[Concatenate[Any, Request, ...], HttpResponse]


def endpoint(operation: Operation) -> Callable[[Method], Method]:
    """Make a method of a view the endpoint of an operation: it gets the validated query and body as keywords.

    The one place for everything that is done for each call of an endpoint, such as limits and metrics. `wire.schema`
    documents the operation. A query parameter or a field that the operation does not know is refused.
    """

    def decorate(method: Method) -> Method:
        @wraps(method)
        def run(view: ApiView, request: Request, **ids: Any) -> HttpResponse:
            if request.auth is not None:
                _take(operation, request, ids)
            query = request.query_params
            # Nearly all calls that take no parameter have none.
            fields = validate(operation.query, query) if query or operation.query is not QuerySerializer else {}
            if operation.body is not None:
                data = request.data
                fields |= validate(operation.body, {} if data is None else data)  # a body of null is an empty one
            return method(view, request, **ids, **fields)

        vars(run)["operation"] = operation
        return run

    return decorate


def _take(operation: Operation, request: Request, ids: dict[str, Any]) -> None:
    """Count the call for its session. Raises Problem limit.<name>, unless the call repeats what is stored already."""
    session: Any = request.auth
    if (scope := getattr(request._request, "scope", None)) is not None:
        scope[limits.CALLER] = session.user_id, operation.cost
    try:
        limits.take(operation, session.pk, session.user_id)
    except Problem:
        is_retry = operation.is_retry
        if is_retry is None or not isinstance(request.data, dict) or not is_retry(session.user_id, request.data | ids):
            raise


def _check_host(request: Request) -> None:
    """Reject an unknown Host: with DNS rebinding, a foreign page reaches an internal server under its own name."""
    host = request.META.get("HTTP_HOST") or request.META["SERVER_NAME"]
    if domain_of(host) == "":
        raise Problem("request.invalid", "The Host header is not a name or an address, with or without a port.")
    if not is_allowed_host(host):
        raise Problem("request.invalid", "The Host header is none of ALLOWED_HOSTS.")


def request_id_of(request: HttpRequest | Request | None) -> str | None:
    """The id of the request that RequestIdMiddleware checked or generated."""
    return request.META.get("HTTP_X_REQUEST_ID") if request is not None else None


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: convert every exception of a view to a problem."""
    set_rollback()
    request_id = request_id_of(context.get("request"))
    problem = to_problem(exc, request_id)
    release_cursors(exc)
    REFUSALS.add(problem.code)
    return Response(problem.as_dict(request_id), problem.status, headers=problem.headers(), content_type=CONTENT_TYPE)


def problem_response(problem: Problem, request: HttpRequest) -> HttpResponse:
    """The response for a problem outside DRF: from a middleware, or from Django's error handlers."""
    REFUSALS.add(problem.code)
    content = strict_json.dumps(problem.as_dict(request_id_of(request)))
    return HttpResponse(content, content_type=CONTENT_TYPE, status=problem.status, headers=problem.headers())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return problem_response(to_problem(exception, request_id_of(request)), request)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404; if only the last slash is wrong, the detail names the right path."""
    path = request.path_info
    other = path[:-1] if path.endswith("/") else f"{path}/"
    if getattr(request, "resolver_match", None) is None and is_valid_path(other):
        return problem_response(Problem("not_found", f"Nothing is at this path; the right one is {other}."), request)
    return problem_response(Problem("not_found"), request)


@require_safe
def upgrade_required(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """Answer a plain request for the path of a websocket with 426 (RFC 9110, section 15.5.22)."""
    problem = Problem("upgrade_required", "Open a websocket here: send Upgrade: websocket, as socket clients do.")
    response = problem_response(problem, request)
    response["Upgrade"] = "websocket"
    response["Connection"] = "Upgrade"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; Django has logged the exception already."""
    return problem_response(Problem("internal"), request)
