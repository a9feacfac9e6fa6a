"""HTTP into Django: one step to a thread and one back for each request."""

from collections.abc import Callable, Collection, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any, NamedTuple, cast

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from wire import descriptors
from wire.middleware import GetResponse, RequestIdMiddleware
from wire.origins import OriginMiddleware
from wire.problems import Problem
from wire.shares import Keys, Shares
from wire.views import problem_response

Scope = MutableMapping[str, Any]

# Many, because some wait: for a batch, for a hash, for a connection. And not more, because on SQLite each keeps two
# files open.
THREADS = descriptors.threads()
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="http")
_apart = ThreadPoolExecutor(1, thread_name_prefix="http-apart")


PIECE_BYTES = 64 * 1024  # of an answer: what a server holds of it beside the answer itself


class Answer(NamedTuple):
    """An answer that waits for its reader."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes


class Handler(ASGIHandler):
    """Django's ASGI handler, for an application whose middlewares and views are all synchronous and do not stream.

    Django's own makes two threads for every request and steps over to one of them six times: for each signal, for
    each half of a middleware that is not asynchronous, for the view and for the end.
    """

    def __init__(
        self, apart: Collection[str] = (), shares: Shares | None = None, keys_of: Callable[[Scope], Keys] = lambda _: ()
    ) -> None:
        """`apart` are paths that wait for nobody, however many requests wait for the database. `keys_of` names the
        shares of the threads that a request uses."""
        BaseHandler.__init__(self)
        self._paths_apart = apart
        self._shares, self._keys_of = shares or Shares({}), keys_of
        self.load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        threads = _apart if scope["path"] in self._paths_apart else _threads
        keys = self._keys_of(scope)
        try:
            await self._shares.take(keys)
        except Problem as problem:
            keys, scope["refusal"] = (), problem  # the middleware answers, with its headers
        answer = await self._shares.run(threads, keys, partial(self._answer, scope, body))
        await _send(answer, send)

    def _answer(self, scope: Scope, body: IO[bytes]) -> Answer:
        """The answer alone: the rows and objects that it was made from do not wait for its reader."""
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        request, _ = self.create_request(scope, body)
        response = self.get_response(request) if request is not None else _refuse_query(scope, body)
        assert isinstance(response, HttpResponse)
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        # Sends request_finished, which lets the connection go; what was rendered stays.
        response.close()
        body.close()
        cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
        headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in [*response.items(), *cookies]]
        answer = Answer(response.status_code, headers, response.content)
        _take_apart(response)
        return answer


def _take_apart(response: HttpResponse) -> None:
    """DRF's view, request and response refer to one another: else they would hold rows and body until the garbage
    collector looks, which it seldom does."""
    context = getattr(response, "renderer_context", None)
    if context and context.get("request") is not None:
        vars(context["request"]).clear()
    vars(response).clear()


async def _send(answer: Answer, send: Any) -> None:
    """Hand the answer to the server in pieces: a piece goes when the reader has taken nearly all before it."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    end = max(len(answer.content), 1)
    for start in range(0, end, PIECE_BYTES):
        piece, is_last = answer.content[start : start + PIECE_BYTES], start + PIECE_BYTES >= end
        await send({"type": "http.response.body", "body": piece, "more_body": not is_last})


def _refuse_query(scope: Scope, body: IO[bytes]) -> HttpResponseBase:
    """Django makes no request of a query string that is not UTF-8, and its own answer comes before any middleware."""
    request = ASGIRequest({**scope, "query_string": b""}, body)
    problem = Problem("request.invalid", "The query string is not UTF-8.")
    cors = OriginMiddleware(lambda _: problem_response(problem, request))
    return RequestIdMiddleware(cast("GetResponse", cors))(request)
