"""The HTTP face: daphne's request with a bounded body, a deadline, and problems instead of error pages."""

from __future__ import annotations

import re
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson
from daphne import http_protocol
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http
from uuid_utils.compat import uuid7

from realtime.server.transport import Disconnected, Transport
from realtime.server.types import Message
from wire import descriptors
from wire.problems import CONTENT_TYPE, Problem

if TYPE_CHECKING:
    from realtime.server.server import Server

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
PROBES = (b"/livez", b"/readyz")
FULL = Problem("unavailable", "The server has as many connections as it can hold.")
_CODES = {400: "request.invalid", 503: "unavailable"}


class WebRequest(http_protocol.WebRequest):
    """One HTTP request."""

    channel: HttpChannel | None
    _parsePOSTFormSubmission = False  # Twisted would parse forms that only Django reads

    def gotLength(self, length: int | None) -> None:
        # Never Twisted's temporary file: what does not fit in memory is refused.
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        if self.channel is None or self.channel.refused:
            return
        if self.content.tell() + len(data) > self.channel.limits.body_bytes:
            self.channel.refuse(Problem("request.too_large"))
        else:
            self.content.write(data)

    async def send(self, message: Message) -> None:
        """The application's ``send``; a streamed response waits for its reader."""
        await self.server.handle_reply(self, message)
        if message.get("more_body"):
            if self.channel is None:
                raise Disconnected
            await self.channel.transport.drain(self.channel.limits.pending_bytes)

    def handle_reply(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self.server.draining and self.channel is not None:
            self.channel.persistent = False
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        super().handle_reply(message)

    def application_ended(self, error: BaseException | None) -> None:
        """An application that ends before its response leaves a 500, or half a response: that one is cut, visibly."""
        if self.finished or self.channel is None:
            return
        if self._response_started:
            self.channel.transport.abortConnection()
        else:
            self.basic_error(500, b"", "")

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        problem = Problem(_CODES.get(status, "internal"), body)
        headers, payload = render(problem, self.request_id())
        self.handle_reply({"type": "http.response.start", "status": problem.status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": payload})

    def request_id(self) -> str:
        given: bytes = self.requestHeaders.getRawHeaders(b"x-request-id", [b""])[0]
        return given.decode() if _REQUEST_ID.fullmatch(given) else str(uuid7())


def render(problem: Problem, request_id: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The problem as ASGI headers and body."""
    payload = orjson.dumps(problem.as_dict(request_id))
    headers = {"content-type": CONTENT_TYPE, "content-length": str(len(payload)), "x-request-id": request_id}
    return [(name.encode(), value.encode()) for name, value in (headers | problem.headers()).items()], payload


class HttpChannel(http.HTTPChannel):
    """One HTTP connection: the requests that come one after the other on it."""

    transport: Transport  # type: ignore[assignment]
    factory: HttpFactory

    def connectionMade(self) -> None:
        self.server = self.factory.server
        self.limits = self.server.limits
        self.refused = False
        self.deadline: float | None = self.server.now() + self.limits.request
        self.transport.open(self.server)
        super().connectionMade()
        over = self.server.over_cap()
        self.brief = over > 0  # enough for one probe, or for an answer that says why
        if self.brief:
            self.deadline = self.server.now() + self.limits.last_words
        if over > descriptors.BRIEF:
            self.refuse(FULL)
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        if self.deadline is None and not self._handlingRequest:
            self.deadline = self.server.now() + self.limits.request
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if not self.refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self.refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:
        # Before the body is asked for by a 100 Continue.
        if self.brief and self._path not in PROBES:
            self.refuse(FULL)
        elif self.length is not None and self.length > self.limits.body_bytes:
            self.refuse(Problem("request.too_large"))
        else:
            super().allHeadersReceived()

    def allContentReceived(self) -> None:
        if not self.refused:
            self.deadline = None
            super().allContentReceived()

    def checkPersistence(self, request: http.Request, version: bytes) -> bool:
        return not self.brief and super().checkPersistence(request, version)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(Problem("request.too_large"))

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(Problem("request.invalid"))

    def refuse(self, problem: Problem) -> None:
        """Answer before the request is complete, then let the rest of it run into the void for a while: a close with
        unread input resets the connection, and the client would never read the answer."""
        self.refused = True
        self.deadline = self.server.now() + self.limits.last_words
        headers, payload = render(problem, str(uuid7()))
        lines = [b"HTTP/1.1 %d %s" % (problem.status, HTTPStatus(problem.status).phrase.encode())]
        lines += [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
        self.transport.write(b"\r\n".join([*lines, b"", payload]))
        self.setTimeout(None)
        self.transport.loseWriteConnection()

    def tick(self, now: float, stalled: float) -> None:
        """Called about once a second by the server's one timer."""
        if stalled >= self.limits.stall:
            self.transport.abortConnection()
        elif self.deadline is not None and now >= self.deadline:
            self._expire()

    def _expire(self) -> None:
        if self.refused or not self.requests:
            self.transport.abortConnection()
        else:
            self.refuse(Problem("request.invalid", "The request took too long to arrive."))

    def shut(self) -> None:
        """The server ends: an idle connection closes now, a busy one after its response."""
        self.persistent = False
        if not self.requests:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.deadline = None
        super().connectionLost(reason)


class HttpFactory(http_protocol.HTTPFactory):
    """Makes HTTP/1.1 connections; each may turn into a websocket."""

    protocol = HttpChannel
    server: Server

    def buildProtocol(self, addr: IAddress) -> Any:
        channel = super().buildProtocol(addr)
        channel.requestFactory = WebRequest
        return channel

    def log(self, request: http.Request) -> None:
        """No access log: the application's own logging knows more."""
