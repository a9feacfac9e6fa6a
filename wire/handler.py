"""HTTP into Django: one step to a thread and one back for each request."""

import asyncio
from collections.abc import Collection, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, cast

from corsheaders.middleware import CorsMiddleware
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from wire.middleware import GetResponse, RequestIdMiddleware
from wire.problems import Problem
from wire.views import problem_response

# Many, because some wait: for a batch, for a hash, for a connection. And not more, because on SQLite each keeps two
# files open.
THREADS = 200
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="http")
_apart = ThreadPoolExecutor(1, thread_name_prefix="http-apart")


class Handler(ASGIHandler):
    """Django's ASGI handler, for an application whose middlewares and views are all synchronous and do not stream.

    Django's own makes two threads for every request and steps over to one of them six times: for each signal, for
    each half of a middleware that is not asynchronous, for the view and for the end.
    """

    def __init__(self, apart: Collection[str] = ()) -> None:
        """`apart` are paths that wait for nobody, however many requests wait for the database."""
        BaseHandler.__init__(self)
        self._paths_apart = apart
        self.load_middleware(is_async=False)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        threads = _apart if scope["path"] in self._paths_apart else _threads
        response = await asyncio.get_running_loop().run_in_executor(threads, self._answer, scope, body)
        await self.send_response(response, send)

    def _answer(self, scope: MutableMapping[str, Any], body: IO[bytes]) -> HttpResponse:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        request, _ = self.create_request(scope, body)
        response = self.get_response(request) if request is not None else _refuse_query(scope, body)
        assert isinstance(response, HttpResponse)
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        # Sends request_finished, which lets the connection go; what was rendered stays.
        response.close()
        body.close()
        return response


def _refuse_query(scope: MutableMapping[str, Any], body: IO[bytes]) -> HttpResponseBase:
    """Django makes no request of a query string that is not UTF-8, and its own answer comes before any middleware."""
    request = ASGIRequest({**scope, "query_string": b""}, body)
    problem = Problem("request.invalid", "The query string is not UTF-8.")
    cors = CorsMiddleware(lambda _: problem_response(problem, request))
    return RequestIdMiddleware(cast("GetResponse", cors))(request)
