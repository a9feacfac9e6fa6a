"""Middlewares of every request: a request id, security headers, and problems instead of HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wire.calls import current
from wire.problems import Problem, invalid
from wire.request_ids import checked_request_id
from wire.security import security_headers
from wire.views import problem_response, request_id_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_SECRETS = ("token", "access_token")  # parameters in which clients send tokens by mistake
_BY_STATUS = {
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "request.too_large",
    415: "unsupported_media_type",
    503: "unavailable",
}


class Middleware:
    """A middleware with a part before the view, which may respond, and one after it, which may change the response."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.after(request, self.before(request) or self.get_response(request))

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response


class RequestIdMiddleware(Middleware):
    """Keeps the client's X-Request-ID if it is a plain word, else makes one, and returns it. Outermost."""

    def before(self, request: HttpRequest) -> None:
        request.META["HTTP_X_REQUEST_ID"] = checked_request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        if (call := current.get()) is not None:
            call.request_id = request.META["HTTP_X_REQUEST_ID"]

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Request-ID"] = request_id_of(request) or ""
        return response


class SecurityHeadersMiddleware(Middleware):
    """Adds the security headers that a view has not set."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.headers = security_headers()

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        return response


class ProblemMiddleware(Middleware):
    """Rejects dangerous URLs and replaces every error page of Django by a problem.

    It is the innermost, so that its responses get the headers of CORS and security too.
    """

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        rejection: Problem | None = getattr(request, "scope", {}).get("rejection")  # wire.handler had no free thread
        if rejection is not None:
            return problem_response(rejection, request)
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            return problem_response(Problem("request.invalid", "The URL contains the NUL character."), request)
        # A token in a URL is written to access logs, histories and referrers.
        if any(re.match(f"{name}=", part) for part in query.split("&") for name in _SECRETS):
            return problem_response(invalid("token", "in_url", "Send the token in the Authorization header."), request)
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code < HTTPStatus.BAD_REQUEST or "json" in response.get("Content-Type", ""):
            return response
        other = "internal" if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else "request.invalid"
        problem = problem_response(Problem(_BY_STATUS.get(response.status_code, other)), request)
        if response.has_header("Allow"):
            problem["Allow"] = response["Allow"]
        return problem
