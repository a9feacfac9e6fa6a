"""The HTTP face: daphne's request with a bounded body, a deadline, and problems instead of error pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

from daphne import http_protocol
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http
from uuid_utils.compat import uuid7

from realtime.server.floods import hold, refused_handshake
from realtime.server.transport import Disconnected, Transport
from realtime.server.types import Message, ServerState, Stream
from wire import descriptors
from wire.asgi import render_problem
from wire.client_address import address_behind
from wire.limits import too_many_handshakes
from wire.problems import Problem
from wire.request_ids import checked_request_id

PROBES = (b"/livez", b"/readyz")
# Twisted names these "Unknown Status"; 426 and 429 are among them.
http.RESPONSES.update({each.value: each.phrase.encode() for each in HTTPStatus if each not in http.RESPONSES})
FULL = Problem("unavailable", "The server has as many connections as it can hold.")
_CODES = {400: "request.invalid", 503: "unavailable"}
_ORIGIN = re.compile(rb"(?im)^origin:[ \t]*([^\r\n]*)\r$")
_FOLD = b" \t"
ROOT_PATH = b"daphne-root-path"  # daphne lets any client choose with it which part of the path the application sees
# A handshake as clients write it, whole and with nothing behind it. Every other one is read by Twisted.
_HANDSHAKE = re.compile(rb"GET /[!-~]* HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+\r\n")
_HANDSHAKE_BYTES = 4096
_NAME = re.compile(rb"\r\n([^:\r]+):")
_UPGRADE = b"\r\nupgrade: websocket\r\n"
_NOT_PLAIN = {b"content-length", b"transfer-encoding", b"expect", ROOT_PATH}


class WebRequest(http_protocol.WebRequest):
    """One HTTP request."""

    channel: HttpChannel | None

    def __init__(self, *args: Any, **options: Any) -> None:
        # Twisted would parse the forms, and the Content-Type of every POST by Python's parser of e-mails.
        super().__init__(*args, parsePOSTFormSubmission=False, **options)

    def gotLength(self, length: int | None) -> None:
        # Never Twisted's temporary file: a body that does not fit in memory is refused.
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
            await self.drain(self.server.limits.pending_bytes)

    def stream(self) -> Stream:
        """The functions with which an application goes on with a response that it has started."""
        return Stream(try_write=self.try_write, backlog=self.backlog, drain=self.drain, abort=self.abort)

    def try_write(self, data: bytes) -> bool | None:
        """Write a part of the body only while nothing waits; return None when something does, False at the end."""
        if self.finished or self.channel is None:
            return False
        if self.backlog():
            return None
        self.channel.transport.write_now(b"".join(http.toChunk(data)) if self.chunked else data)
        return True

    def backlog(self) -> int:
        return 0 if self.channel is None else self.channel.transport.backlog()

    async def drain(self, low: int = 16_384) -> None:
        if self.finished or self.channel is None:
            raise Disconnected
        await self.channel.transport.drain(low)

    def abort(self) -> None:
        if self.channel is not None:
            self.channel.transport.abortConnection()

    def handle_reply(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.server.draining and self.channel is not None:
                self.channel.persistent = False
                self.responseHeaders.setRawHeaders(b"connection", [b"close"])
        elif self.method == b"HEAD" or self.code in http.NO_BODY_CODES:
            # daphne goes past Twisted's own rule, which would drop only the first part of a body in several parts.
            message = {**message, "body": b""}
        channel = self.channel
        super().handle_reply(message)
        if channel is not None and message["type"] == "http.response.body":
            channel.transport.flush()

    def application_ended(self, error: BaseException | None) -> None:
        """Answer with a problem when the application ends before its response; abort half a response.

        At the end of the server the problem is a 503: the same request, sent again, reaches another server.
        """
        if self.finished or self.channel is None:
            return
        if self._response_started:
            self.channel.transport.abortConnection()
        else:
            self.basic_error(503 if self.server.draining else 500, b"", "")

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        self.respond(Problem(_CODES.get(status, "internal"), body))

    def respond(self, problem: Problem) -> None:
        """Answer with a problem of the server's own."""
        origin = self.requestHeaders.getRawHeaders(b"origin", [b""])[0].decode("latin-1")
        headers, payload = render_problem(problem, self.request_id(), origin)
        self.handle_reply({"type": "http.response.start", "status": problem.status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": payload})

    def is_handshake(self) -> bool:
        """Return whether the request asks for a websocket."""
        upgrade: bytes = self.requestHeaders.getRawHeaders(b"upgrade", [b""])[0]
        return upgrade.lower() == b"websocket"

    def address(self) -> str | None:
        """The address that the rate limits count."""
        forwarded = self.requestHeaders.getRawHeaders(b"x-forwarded-for", [])
        peer = self.getClientAddress()
        return address_behind(getattr(peer, "host", ""), tuple(forwarded))

    def request_id(self) -> str:
        return checked_request_id(self.requestHeaders.getRawHeaders(b"x-request-id", [b""])[0].decode("latin-1"))


class HttpChannel(http.HTTPChannel):
    """One HTTP connection: the requests that come one after the other on it."""

    transport: Transport  # type: ignore[assignment]
    factory: HttpFactory
    _command: bytes = b""  # Twisted's, which has none before the first line of a request

    def connectionMade(self) -> None:
        self.server = self.factory.server
        self.limits = self.server.limits
        self.origin = b""  # of the request that is being read
        self.refused = False  # later bytes are not read: the last answer is on its way, or sent
        self.idle = True  # nothing of a next request has arrived
        self.since = self.server.now()  # when it became idle, or was refused
        self.deadline: float | None = self.since + self.limits.request
        self.transport.open(self.server)
        super().connectionMade()
        over = self.server.over_cap()
        self.brief = over > 0  # enough for one probe, or for an answer with the reason
        if self.brief:
            self.deadline = self.server.now() + self.limits.brief
        if over > descriptors.REJECTED_CONNECTIONS:
            self.refuse(FULL)
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        if self.idle:
            if not self.brief and (answer := refused_handshake(data, str(self.transport.client[0]))):

                def end() -> None:
                    self.transport.write(answer)
                    self.transport.loseConnection()

                self._hold(end)
                return
            if not self.brief and self._is_plain_handshake(data):
                self._upgrade(data)
                return
            self.idle = False
            if not self.brief:
                self.deadline = self.server.now() + self.limits.request
        super().dataReceived(data)

    def _hold(self, refuse: Callable[[], None]) -> None:
        """Read no more, and refuse a handshake after a moment."""
        self.refused = True
        hold(lambda: refuse() if self.transport.connected else None)

    def _is_plain_handshake(self, data: bytes) -> bool:
        """Return whether a websocket may read the bytes itself: Twisted would find nothing to refuse or to change."""
        if len(data) > _HANDSHAKE_BYTES or _UPGRADE not in data.lower() or not _HANDSHAKE.fullmatch(data):
            return False
        names = [name.lower() for name in _NAME.findall(data)]
        return len(set(names)) == len(names) and b"host" in names and _NOT_PLAIN.isdisjoint(names)

    def _upgrade(self, data: bytes) -> None:
        """Give the connection to a websocket, as daphne does; it would first make a request and write it out again."""
        socket = self.server.ws_factory.buildProtocol(self.transport.getPeer())
        socket._raw_query_string = data.split(b" ", 2)[1].partition(b"?")[2]
        self.transport.protocol = socket
        socket.makeConnection(self.transport)
        socket.dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if self.refused:
            return
        if line and line[0] in _FOLD:
            # A header in several lines: servers in a row would disagree about its value (RFC 9112, section 5.2).
            self.refuse(Problem("request.invalid", "A header line may not begin with a space."))
            return
        if line[:7].lower() == b"origin:":
            # Twisted stores a header when the next line is there, which may be the one that is refused.
            self.origin = line[7:].strip()
        super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self.refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:
        headers = self.requests[-1].requestHeaders
        hosts = len(headers.getRawHeaders(b"host", ()))
        if hosts != 1 and (hosts or self._version == b"HTTP/1.1"):  # RFC 9112, section 3.2
            self.refuse(Problem("request.invalid", "A request has exactly one Host header."))
        # Before a 100 Continue requests the body.
        elif self.brief and self._path not in PROBES:
            self.refuse(FULL)
        elif self.requests[-1].is_handshake() and (problem := too_many_handshakes(self.requests[-1].address())):
            self._hold(partial(self.refuse, problem, readable=False))
        elif self.length is not None and self.length > self.limits.body_bytes:
            self.refuse(Problem("request.too_large"))
        else:
            headers.removeHeader(ROOT_PATH)
            super().allHeadersReceived()

    def allContentReceived(self) -> None:
        if not self.refused:
            self.deadline = None
            super().allContentReceived()

    def checkPersistence(self, request: http.Request, version: bytes) -> bool:
        return not self.brief and super().checkPersistence(request, version)

    def requestDone(self, request: http.Request) -> None:
        self.idle = True
        self.origin = b""
        self.since = self.server.now()
        self.deadline = self.since + self.limits.http_idle
        super().requestDone(request)  # which begins the next request, if it has arrived, or ends the connection

    def lineLengthExceeded(self, line: bytes) -> None:
        # The line comes with all that arrived behind it, where the Origin usually is: a page reads this refusal too.
        if found := _ORIGIN.search(line):
            self.origin = found[1].strip()
        self.refuse(Problem("request.too_large"))

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(Problem("request.invalid"))

    def refuse(self, problem: Problem, *, readable: bool = True) -> None:
        """Answer before the request is complete, and end the connection. `readable`: by a page of another origin."""
        request_id = self.requests[-1].request_id() if self.requests else str(uuid7())
        headers, payload = render_problem(problem, request_id, self.origin.decode("latin-1") if readable else None)
        lines = [b"HTTP/1.1 %d %s" % (problem.status, HTTPStatus(problem.status).phrase.encode())]
        lines += [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
        self.transport.write_now(b"\r\n".join([*lines, b"", b"" if self._command == b"HEAD" else payload]))
        self.loseConnection()

    def loseConnection(self) -> None:
        """End the connection, and discard the rest of the request for up to 2 s.

        A close with unread input resets the connection, and the client might never read the last answer.
        """
        self.refused = True
        self.since = self.server.now()
        self.deadline = self.since + self.limits.short_close_timeout
        self.transport.unregisterProducer()
        self.transport.loseWriteConnection()
        self.transport.resumeProducing()

    def tick(self, now: float, stalled: float) -> None:
        """Called about once a second by the server's one timer."""
        if stalled >= self.limits.stall:
            self.transport.abortConnection()
        elif self.deadline is not None and now >= self.deadline:
            self._expire()

    def _expire(self) -> None:
        if self.refused or self.brief:  # a silent client above the cap must not keep a probe out any longer
            if self.transport.backlog():
                self.transport.abortConnection()
            else:
                self.transport.loseConnection()
        elif self.requests:
            self.refuse(Problem("request.invalid", "The request took too long to arrive."))
        else:
            self.loseConnection()

    def close_when_idle(self, now: float) -> None:
        """Close the connection at the end of the server, once nothing has arrived on it for a moment.

        Before that a client may have sent a request without knowing of the end; it is answered with Connection: close.
        """
        if now < max(self.since, self.server.draining_since) + self.limits.last_call:
            return
        if self.refused:
            if not self.transport.backlog():
                self.transport.loseConnection()
        elif self.idle and not self.transport.has_input():
            self.loseConnection()

    def refuse_unfinished(self) -> None:
        """Refuse a request that has not fully arrived when the server ends."""
        if self.requests and not self._handlingRequest and not self.refused:
            self.refuse(Problem("unavailable", "The server restarts."))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.deadline = None
        super().connectionLost(reason)


class HttpFactory(http_protocol.HTTPFactory):
    """Makes HTTP/1.1 connections; each may turn into a websocket."""

    protocol = HttpChannel
    server: ServerState

    def __init__(self, server: ServerState) -> None:
        super().__init__(server)
        self.timeOut = None  # the server's one timer checks idle connections

    def buildProtocol(self, addr: IAddress) -> Any:
        channel = super().buildProtocol(addr)
        channel.requestFactory = WebRequest
        return channel

    def log(self, request: http.Request) -> None:
        """Write no access log: the application's own log has more."""
