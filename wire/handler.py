"""The ASGI handler for HTTP: runs each request of Django on one thread, with one step to it and one back.

A view whose answer has to wait returns a `DeferredResponse`; the event loop finishes it, without a thread.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Hashable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from wire import descriptors, limits
from wire.asgi import render_problem
from wire.calls import OPEN_REQUESTS, Call, current, route_of
from wire.client_address import client_address
from wire.deferred import Answer, Exchange, send_answer
from wire.middleware import GetResponse, RequestIdMiddleware, SecurityHeadersMiddleware
from wire.origins import OriginMiddleware
from wire.problems import Problem
from wire.request_ids import checked_request_id
from wire.shares import Keys, Shares
from wire.tracing import HEADER, trace_of
from wire.views import problem_response

Scope = MutableMapping[str, Any]

# Many threads, because some wait for a batch, a password hash or a connection. On SQLite each keeps two files open,
# which limits their number.
THREADS = descriptors.threads()
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="http")
_isolated_thread = ThreadPoolExecutor(1, thread_name_prefix="http-isolated")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROBES = ("/livez", "/readyz")
FLOOD_SECONDS = 1.0


class Flood:
    """A request of a client that goes on without a pause while its requests are refused.

    Each of its requests waits for a second, on no thread. Then it is refused without Django, unless it is a send, whose
    retry must be answered, or has a token that this process has not looked up yet.
    """

    def __init__(self, scope: Scope, user: Hashable | None) -> None:
        self._scope, self._user = scope, user
        self._address = client_address(scope)

    async def wait(self) -> Answer | None:
        """Return the refusal, after a second, or None."""
        try:
            if self._user is not None:
                limits.REFUSED.check(self._user)
            elif self._address is not None and self._scope["path"] not in PROBES:
                limits.ANONYMOUS.check(self._address)
        except Problem as problem:
            await asyncio.sleep(FLOOD_SECONDS)
            self.count(problem.status)
            headers = dict(self._scope["headers"])
            is_send = self._scope["method"] == "POST" and self._scope["path"].endswith("/messages")
            if is_send if self._user is not None else b"authorization" in headers:
                return None
            request_id = checked_request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
            rendered, content = render_problem(problem, request_id, headers.get(b"origin", b"").decode("latin-1"))
            return Answer(problem.status, rendered, content)
        return None

    def count(self, status: int) -> None:
        """Count a refusal of a user, or a request without a user."""
        user, _ = self._scope.get(limits.CALLER, (self._user, None))
        if user is None and self._address is not None and self._scope["path"] not in PROBES:
            limits.ANONYMOUS.charge(self._address, 1)
        elif user is not None and status == HTTPStatus.TOO_MANY_REQUESTS:
            limits.REFUSED.charge(user, 1)


class Handler(ASGIHandler):
    """Django's ASGI handler for an application whose middlewares and views are synchronous and do not stream.

    Django's own handler starts two threads for every request and switches to one of them six times: for each signal,
    for each half of a synchronous middleware, for the view and for the end.
    """

    def __init__(
        self,
        isolated: Collection[str] = (),
        shares: Shares | None = None,
        keys_of: Callable[[Scope], Keys] = lambda _: (),
        user_of: Callable[[Scope], Hashable | None] = lambda _: None,
    ) -> None:
        """Paths in `isolated` run on a thread of their own, so that they answer while all others wait for the database.

        `keys_of` returns the keys of a request in `shares`, which divides the threads, and `user_of` the user of a
        request whose token has been seen before.
        """
        BaseHandler.__init__(self)
        self._isolated = isolated
        self._shares, self._keys_of = shares or Shares({}), keys_of
        self._user_of = user_of
        self.load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        flood = Flood(scope, self._user_of(scope)) if settings.RATE_LIMITS else None
        if flood is not None and (refusal := await flood.wait()) is not None:
            await send_answer(refusal, send)
            return
        call = Call("rest", trace_of(scope))
        OPEN_REQUESTS.value += 1
        try:
            answer = await self._run(scope, body, call)
        finally:
            OPEN_REQUESTS.value -= 1
        if flood is not None:
            flood.count(answer.status)
        if answer.finish is not None:
            current.set(call)  # for logs of what follows in this task
            await answer.finish(Exchange(scope, receive, send, answer, call))
        else:
            await send_answer(answer, send)

    async def _run(self, scope: Scope, body: IO[bytes], call: Call) -> Answer:
        """Answer the request on a thread, when its shares have one."""
        threads = _isolated_thread if scope["path"] in self._isolated else _threads
        keys = self._keys_of(scope)
        try:
            await self._shares.take(keys)
        except Problem as problem:
            keys, scope["rejection"] = (), problem  # ProblemMiddleware answers it, with all headers
        return await self._shares.run(threads, keys, partial(self._call, scope, body, call))

    def _call(self, scope: Scope, body: IO[bytes], call: Call) -> Answer:
        """Answer the request as the current call, which logs and metrics see."""
        call.method = scope["method"] if scope["method"] in METHODS else "other"
        call.client = client_address(scope)
        token = current.set(call)
        try:
            answer = self._answer(scope, body, call)
        finally:
            current.reset(token)
        call.status = answer.status
        if answer.finish is None:
            call.end()
        if call.trace is not None:
            answer.headers.append((HEADER, call.trace.header().encode()))
        return answer

    def _answer(self, scope: Scope, body: IO[bytes], call: Call) -> Answer:
        """Return the bytes of the response only: its rows and objects must not wait until the client has read it."""
        began = time.thread_time()
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        request, _ = self.create_request(scope, body)
        response = self.get_response(request) if request is not None else _reject_query(scope, body)
        assert isinstance(response, HttpResponse)
        if request is not None and request.resolver_match is not None:
            call.route = route_of(request.resolver_match.route)
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        # This sends request_finished, which releases the database connection; the rendered content remains.
        response.close()
        body.close()
        cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
        headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in [*response.items(), *cookies]]
        answer = Answer(response.status_code, headers, response.content, getattr(response, "finish", None))
        # DRF's view, request and response refer to one another. Unless the cycle is broken, they keep rows and body in
        # memory until the garbage collector runs, which is seldom.
        context = getattr(response, "renderer_context", None)
        if context and context.get("request") is not None:
            vars(context["request"]).clear()
        vars(response).clear()
        if (caller := scope.get(limits.CALLER)) is not None:
            user_id, cost = caller
            limits.charge_work(user_id, time.thread_time() - began, cost)
        return answer


def _reject_query(scope: Scope, body: IO[bytes]) -> HttpResponseBase:
    """Return the problem for a query string that is not UTF-8: Django makes no request of it and runs no middleware."""
    request = ASGIRequest({**scope, "query_string": b""}, body)
    problem = Problem("request.invalid", "The query string is not UTF-8.")
    cors = OriginMiddleware(lambda _: problem_response(problem, request))
    return RequestIdMiddleware(SecurityHeadersMiddleware(cast("GetResponse", cors)))(request)
