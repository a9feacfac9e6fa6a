"""The websocket face: daphne's protocol with bounds, finished frames, proof of life and closes that say why."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from autobahn.websocket import protocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from daphne import ws_protocol
from twisted.internet.defer import Deferred

from realtime.close_codes import CloseCode
from realtime.server import frames
from realtime.server.frames import FRAME_KEY, CloseReason, frame, frame_of, goodbye, whole_text
from realtime.server.limits import Limits
from realtime.server.receive_queue import ReceiveQueue
from realtime.server.requests import checked_request_id
from realtime.server.transport import Disconnected, Transport
from realtime.server.types import Extension, Message, Scope
from wire.asgi import render_problem
from wire.problems import Problem

if TYPE_CHECKING:
    from realtime.server.server import Server

logger = logging.getLogger(__name__)

NO_CODE = 1005  # what ASGI reports for a close frame without a code (RFC 6455 section 7.4.1)
HOLD_SECONDS = 0.25  # for which a client that sends too many frames is not read, at least
_CODES = {
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    426: "upgrade_required",
    500: "internal",
    503: "unavailable",
}
LINE_PATIENCE = 3  # how many timeouts long a pong may take that has to wait in line; see _check_pulse

# Autobahn answers an Origin without a host, such as an app's "app://", with a bare 400. realtime.middleware judges
# every Origin, in words that a browser can read; null is one that Autobahn lets through (allowNullOrigin).
protocol._url_to_origin = lambda url: "null"


class WebSocketProtocol(ws_protocol.WebSocketProtocol):
    """One websocket, from its handshake to the end of its TCP connection."""

    transport: Transport
    factory: WebSocketFactory
    extension: Extension
    data: bytes  # what has arrived and is not read yet

    def connectionMade(self) -> None:
        self.server: Server = self.factory.server_class
        self.limits: Limits = self.server.limits
        self.inbox = ReceiveQueue(self.limits, self._pause, self._resume)
        self.message_data: list[bytes] | None = None
        self._told = False  # the application knows that no more comes
        self._deaf = False  # framing is lost: what still arrives cannot be understood
        self._fragments = 0
        self._credit = self.limits.frame_credit
        self._credit_at = self.server.now()
        self._held = False  # the credit is used up: nothing is read for a moment
        self._denial: Message | None = None
        self._close_by = self.server.now() + self.limits.handshake  # then: the time to answer our close frame
        self._ping: bytes | None = None
        # The first ping comes early by a random part, so that sockets that came together are not pinged together.
        self._ping_at = self.server.now() + self.limits.ping_interval * random.uniform(0.5, 1)
        self._pong_by = 0.0
        self.transport.unregisterProducer()  # the HTTP channel's
        super().connectionMade()

    # The handshake

    def onConnect(self, request: ConnectionRequest) -> Deferred[Any]:
        if self.server.draining:
            raise ConnectionDeny(503, "Restarting")
        if not request.headers.get("sec-websocket-protocol", "").isascii():
            raise ConnectionDeny(400, "Bad Sec-WebSocket-Protocol")  # daphne would answer with a traceback's last line
        return super().onConnect(request)  # type: ignore[no-any-return]

    def extend(self, scope: Scope) -> None:
        """Add what daphne leaves out of the scope."""
        self.extension = Extension(
            write=self.write,
            try_write=self.try_write,
            backlog=self.transport.backlog,
            drain=self.drain,
            abort=self.abort,
            goodbye=goodbye,
        )
        scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
        scope["scheme"] = "ws"
        scope["http_version"] = "1.1"
        scope["extensions"] = {"parley": self.extension, "websocket.http.response": {}}

    def _accept(self, message: Message) -> None:
        if self.state != self.STATE_CONNECTING:
            raise Disconnected
        subprotocol = message.get("subprotocol")
        if subprotocol is not None and subprotocol not in self.websocket_protocols:
            raise ValueError(f"The client did not offer the subprotocol {subprotocol!r}")
        headers: dict[str, list[str]] = {}
        for name, value in message.get("headers", ()):
            headers.setdefault(name.decode("latin1"), []).append(value.decode("latin1"))
        self._decide().callback((subprotocol, headers))

    def _refuse(self, status: int, reason: str) -> None:
        """Answer the handshake with a plain HTTP error."""
        self._tell(1006, reason)
        if hasattr(self, "handshake_deferred"):
            self._decide().errback(ConnectionDeny(status, reason))
        else:
            self.abort()

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """Autobahn's answer to a handshake that it, or ConnectionDeny, refuses: a problem."""
        problem = Problem(_CODES.get(code, "request.invalid"), reason)
        given = getattr(self, "http_headers", {})
        request_id = checked_request_id(given.get("x-request-id", "").encode("latin-1"))
        headers, body = render_problem(problem, request_id, given.get("origin", ""))
        headers += [(name.encode(), value.encode()) for name, value in responseHeaders or ()]
        self._respond(problem.status, headers, body)

    def _respond(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
        lines += [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
        is_head = getattr(self, "http_status_line", "").startswith("HEAD ")
        self.sendData(b"\r\n".join([*lines, b"", b"" if is_head else body]))

    def _deny(self, message: Message) -> None:
        """The application's own answer to the handshake, in ASGI's `websocket.http.response` messages."""
        if self.state != self.STATE_CONNECTING or not hasattr(self, "handshake_deferred"):
            raise Disconnected
        if self._denial is None:
            self._denial = {**message, "body": b""}
            return
        self._denial["body"] += message.get("body", b"")
        if not message.get("more_body"):
            del self.handshake_deferred
            self._respond(self._denial["status"], self._denial.get("headers", ()), self._denial["body"])
            self._tell(1006, "")
            self.dropConnection(abort=False)

    def _decide(self) -> Deferred[Any]:
        decision: Deferred[Any] = self.handshake_deferred
        del self.handshake_deferred
        return decision

    # Out

    async def send(self, message: Message) -> None:
        """The application's ``send``: waits for a slow reader, raises when it is gone."""
        match message["type"]:
            case "websocket.send":
                await self._send(message)
            case "websocket.accept":
                self._accept(message)
            case "websocket.close":
                self._close_for_application(message)
            case "websocket.http.response.start" | "websocket.http.response.body":
                self._deny(message)
            case other:
                raise ValueError(f"A websocket does not understand {other!r}")

    async def _send(self, message: Message) -> None:
        if self.state == self.STATE_CONNECTING:
            raise ValueError("The websocket has not been accepted yet")
        if self.state == self.STATE_OPEN and self.transport.backlog() > self.limits.pending_bytes:
            await self.transport.drain(self.limits.pending_bytes)
        if not self.write(message):
            raise Disconnected

    def write(self, message: Message) -> bool:
        if self.state != self.STATE_OPEN:
            return False
        data = message.get(FRAME_KEY) or frame_of(message)
        waiting = self.transport.backlog()
        if not waiting:
            self.transport.write_now(data)
        elif waiting + len(data) <= self.limits.backlog_bytes:
            self.transport.write(data)
        else:
            self.abort()
            return False
        return True

    def try_write(self, message: Message) -> bool | None:
        """Write only while nothing waits; return None when something does."""
        if self.state != self.STATE_OPEN:
            return False
        if self.transport.backlog():
            return None
        self.transport.write_now(message.get(FRAME_KEY) or frame_of(message))
        return True

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Write the server's own frames (handshake, ping, pong, goodbye, close); they are small and never wait."""
        self.transport.write_now(data)

    async def drain(self, low: int = 16_384) -> None:
        if self.state != self.STATE_OPEN:
            raise Disconnected
        await self.transport.drain(low)

    # In

    def dataReceived(self, data: bytes) -> None:
        if not self._deaf:
            self.data += data
            self.consumeData()

    def consumeData(self) -> None:
        """Autobahn's loop, which also stops when the application has enough to do."""
        if self.state not in (self.STATE_OPEN, self.STATE_CLOSING):
            if not hasattr(self, "handshake_deferred"):
                super().consumeData()
            elif len(self.data) > self.limits.frame_bytes:
                self.abort()  # the application has not accepted yet, and a client waits for that
            return
        while not (self.inbox.paused or self._held or self._deaf or self.state == self.STATE_CLOSED):
            if not self._take_text() and not self.processData():
                return

    def _take_text(self) -> bool:
        """A message that is here as one whole frame, as nearly all are, costs a sixth of autobahn's way; the rest,
        and all that is to be refused, is autobahn's."""
        if self.state != self.STATE_OPEN or self.current_frame is not None or self.inside_message:
            return False
        found = whole_text(self.data, self.limits.frame_bytes)
        if found is None:
            return False
        payload, end = found
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return False
        self.data = self.data[end:]
        self._hear({"type": "websocket.receive", "text": text}, len(payload))
        return True

    def _pause(self) -> None:
        self.transport.pauseProducing()

    def _resume(self) -> None:
        if self._held:
            return
        self.consumeData()
        if not (self.inbox.paused or self._held) and self.transport.connected:
            self.transport.resumeProducing()

    def _charge(self, cost: float) -> None:
        """Pay for a frame that brings the application no message: a client that only sends such is read slowly."""
        now, limits = self.server.now(), self.limits
        earned = (now - self._credit_at) * limits.frame_credit_per_second
        self._credit = min(limits.frame_credit, self._credit + earned) - cost
        self._credit_at = now
        if self._credit < 0 and not self._held:
            self._held = True
            self._pause()
            self.server.loop.call_later(
                max(HOLD_SECONDS, -self._credit / limits.frame_credit_per_second), self._release
            )

    def _release(self) -> None:
        self._held = False
        if not self.inbox.paused:
            self._resume()

    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        self._fragments = 0

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self._fragments += 1
        if self._fragments > 1 or not self.current_frame.fin:
            self._charge(self.limits.fragment_cost)
        if self._fragments > self.limits.fragments and not self.failedByMe:
            self._max_message_size_exceeded(0, 0, "")

    def onMessageEnd(self) -> None:
        # Autobahn's own also announces the message to signal listeners, at five times the cost of all the rest.
        if self.message_data is not None and not self.failedByMe:
            self.onMessage(b"".join(self.message_data), self.message_is_binary)
        self.message_data = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        kind = {"bytes": payload} if isBinary else {"text": payload.decode()}
        self._hear({"type": "websocket.receive", **kind}, len(payload))

    def _hear(self, message: Message, size: int) -> None:
        if not self._told:
            self.inbox.put_frame(message, size)

    def processControlFrame(self) -> bool:
        self._charge(self.limits.control_frame_cost)
        return super().processControlFrame()  # type: ignore[no-any-return]

    def onPing(self, payload: bytes) -> None:
        # Who sends pings and does not read their pongs gets no more of them (RFC 6455 section 5.5.3 allows it).
        if self.transport.backlog() <= self.limits.pending_bytes:
            super().onPing(payload)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        self.failedByMe = True  # autobahn drops the rest of the message and all others, and waits for the close frame
        self.part(frames.FRAME_TOO_BIG, self.limits.farewell)

    def _protocol_violation(self, reason: str) -> bool:
        return self._fail(super()._protocol_violation, reason)

    def _invalid_payload(self, reason: str) -> bool:
        return self._fail(super()._invalid_payload, reason)

    def _fail(self, close: Any, reason: str) -> bool:
        close(reason)
        self._deaf = True
        self.data = b""
        self.transport.loseWriteConnection()  # the peer's answer could not be parsed, but its FIN will be seen
        return True

    # Liveness

    def tick(self, now: float, stalled: float) -> None:
        """Called about once a second by the server's one timer."""
        if self.state == self.STATE_OPEN:
            if stalled >= self.limits.stall:
                self.part(frames.TOO_SLOW, self.limits.last_words)
            else:
                self._check_pulse(now)
        elif self.state == self.STATE_CONNECTING and now >= self._close_by:
            self._refuse(503, "The application did not answer")
        elif self.state == self.STATE_CLOSING and now >= self._close_by:
            self.onCloseHandshakeTimeout()
        elif self.state == self.STATE_CLOSED and stalled >= self.limits.stall:
            self.transport.abortConnection()

    def _check_pulse(self, now: float) -> None:
        if self._ping is None:
            if now >= self._ping_at:
                self._ping = random.randbytes(4)  # so that a pong cannot be sent ahead
                self._pong_by = now + self.limits.ping_timeout
                self.sendData(frame(frames.PING, self._ping))
        elif now >= self._pong_by:
            # Our ping may stand behind bytes that do move, or the pong behind frames that we have not read yet.
            in_line = self.inbox.paused or self.transport.backlog()
            last = self._pong_by + self.limits.ping_timeout * (LINE_PATIENCE - 1)
            if not in_line or now >= last:
                self.part(frames.HEARTBEAT, self.limits.last_words)

    def onPong(self, payload: bytes) -> None:
        if payload == self._ping:
            self._ping = None
            self._ping_at = self.server.now() + self.limits.ping_interval

    # The end

    def part(self, farewell: CloseReason, grace: float, retry_after_ms: int | None = None) -> None:
        """Close for a reason of the server's own: goodbye, close frame, and ``grace`` seconds to answer it."""
        if self.state == self.STATE_CONNECTING:
            self._refuse(503, farewell.reason)
        elif self.state == self.STATE_OPEN:
            self._say_goodbye(farewell, retry_after_ms)
            self._close(int(farewell.code), farewell.reason, grace)

    def _say_goodbye(self, farewell: CloseReason, retry_after_ms: int | None) -> None:
        try:
            text = self.extension["goodbye"](int(farewell.code), farewell.reason, farewell.reconnect, retry_after_ms)
        except Exception:  # the application's code, while all sockets are being closed: one must not keep the others
            logger.exception("The application's goodbye failed")
            return
        if text is not None:
            self.sendData(frame(frames.TEXT, text.encode()))

    def _close_for_application(self, message: Message) -> None:
        if self.state == self.STATE_CONNECTING:
            self._refuse(403, "Access denied")
        else:
            grace = message.get("farewell", self.limits.farewell)
            self._close(message.get("code") or 1000, message.get("reason") or "", grace)

    def _close(self, code: int, reason: str, grace: float) -> None:
        self.sendCloseFrame(code, frames.close_reason(reason))
        self._close_by = self.server.now() + grace
        if grace < self.limits.tick:
            self.server.loop.call_later(grace, self._end_close)

    def _end_close(self) -> None:
        if self.state == self.STATE_CLOSING:
            self.onCloseHandshakeTimeout()

    def onCloseHandshakeTimeout(self) -> None:
        self.wasClean = False
        self.wasNotCleanReason = "The client did not answer the close frame."
        # Not a reset where it can be helped: it would take the goodbye from a client that has not read it yet.
        self.dropConnection(abort=self.transport.backlog() > 0)

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        if self.state != self.STATE_OPEN:
            return
        super().sendCloseFrame(code, reasonUtf8, isReply)
        self._close_by = self.server.now() + self.limits.farewell
        if isReply:
            self._tell(self.remoteCloseCode, self.remoteCloseReason)
        else:
            self._tell(code, (reasonUtf8 or b"").decode())

    def application_ended(self, error: BaseException | None) -> None:
        """The application returned or raised: a socket without one would stay open for ever."""
        if self.state == self.STATE_CONNECTING:
            self._refuse(500, "Internal server error")
        elif self.state == self.STATE_OPEN:
            self._close(CloseCode.INTERNAL.value if error else 1000, "", self.limits.farewell)

    def abort(self) -> None:
        self.dropConnection(abort=True)

    def _closeConnection(self, abort: bool = False) -> None:
        # Autobahn resets the connection even after a proper closing handshake.
        super()._closeConnection(abort and not self.wasClean)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The TCP connection is gone."""
        self._tell(code, reason)
        self.server.protocol_disconnected(self)

    def _tell(self, code: int | None, reason: str | None) -> None:
        """Tell the application, once, that nothing more comes; and read on, so as to see the client's close frame."""
        if self._told:
            return
        self._told = True
        self.inbox.close({"type": "websocket.disconnect", "code": code or NO_CODE, "reason": reason or ""})


class WebSocketFactory(ws_protocol.WebSocketFactory):
    """Makes websockets with the server's limits."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, server="")
        self.setProtocolOptions(
            maxMessagePayloadSize=server.limits.frame_bytes,
            openHandshakeTimeout=0,  # the server's one timer sees to both
            closeHandshakeTimeout=0,
            failByDrop=False,
            webStatus=False,
            allowNullOrigin=True,
        )
        # Autobahn copies its options into each connection, and formats them for a log that nobody keeps. They stand
        # in a class instead.
        options = {name: getattr(self, name) for name in WebSocketProtocol.CONFIG_ATTRS}
        options["perMessageCompressionAccept"] = staticmethod(self.perMessageCompressionAccept)  # else it is a method
        self.protocol = type("Configured", (WebSocketProtocol,), {**options, "CONFIG_ATTRS": ()})
