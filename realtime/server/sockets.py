"""The open websocket: daphne's protocol with bounds, finished frames, heartbeats and closes that carry a reason."""

from __future__ import annotations

import logging
import random
from typing import Any

from daphne import ws_protocol

from realtime.close_codes import CloseCode
from realtime.metrics import SOCKETS_CLOSED
from realtime.server import frames
from realtime.server.frames import FRAME_KEY, CloseReason, frame, frame_of, goodbye, whole_text
from realtime.server.handshake import HandshakeProtocol
from realtime.server.limits import Limits
from realtime.server.receive_queue import ReceiveQueue
from realtime.server.transport import Disconnected
from realtime.server.types import Extension, Message, Scope, ServerState

logger = logging.getLogger(__name__)

HOLD_SECONDS = 0.25  # for which a client that sends too many frames is not read, at least
QUEUED_PONG_TIMEOUTS = 3  # the number of timeouts for a pong behind other bytes; see _check_pulse


class WebSocketProtocol(HandshakeProtocol):
    """One websocket, from its handshake to the end of its TCP connection."""

    factory: WebSocketFactory
    extension: Extension
    data: bytes  # the bytes that have arrived and are not read yet

    def connectionMade(self) -> None:
        self.server = self.factory.server_class
        self.limits: Limits = self.server.limits
        self.receive_queue = ReceiveQueue(self.limits, self._pause, self._resume)
        self.message_data: list[bytes] | None = None
        self._unparseable = False  # framing is lost: later bytes cannot be read
        self._fragments = 0
        self._credit = self.limits.frame_credit
        self._credit_at = self.server.now()
        self._held = False  # the credit is used up: nothing is read for a moment
        self._close_by = self.server.now() + self.limits.handshake  # then: the time to answer our close frame
        self._ping: bytes | None = None
        # The first ping comes early by a random part, so that sockets that connected at once are not pinged at once.
        self._ping_at = self.server.now() + self.limits.ping_interval * random.uniform(0.5, 1)
        self._pong_by = 0.0
        self.transport.unregisterProducer()  # the HTTP channel's
        super().connectionMade()

    def extend(self, scope: Scope) -> None:
        """Add the extension, and the values that daphne leaves out of the scope."""
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

    # Output

    async def send(self, message: Message) -> None:
        """The application's ``send``: wait for a slow reader; raise ConnectionError when it is gone."""
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

    # Input

    def dataReceived(self, data: bytes) -> None:
        if not self._unparseable:
            self.data += data
            self.consumeData()

    def consumeData(self) -> None:
        """Run Autobahn's loop, which also stops when the application has enough to do."""
        if self.state not in (self.STATE_OPEN, self.STATE_CLOSING):
            if not hasattr(self, "handshake_deferred"):
                super().consumeData()
            elif len(self.data) > self.limits.frame_bytes:
                self.abort()  # the application has not accepted yet, and a client waits for that
            return
        while not (self.receive_queue.paused or self._held or self._unparseable or self.state == self.STATE_CLOSED):
            if not self._take_text() and not self.processData():
                return

    def _take_text(self) -> bool:
        """Read a message that has arrived as one whole frame, at a sixth of Autobahn's cost.

        Nearly all are such. Anything else, and every frame that must be refused, is left to Autobahn.
        """
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
        self.receive_queue.put_frame({"type": "websocket.receive", "text": text}, len(payload))
        return True

    def _pause(self) -> None:
        self.transport.pauseProducing()

    def _resume(self) -> None:
        if self._held:
            return
        self.consumeData()
        if not (self.receive_queue.paused or self._held) and self.transport.connected:
            self.transport.resumeProducing()

    def _charge(self, cost: float) -> None:
        """Charge a frame that brings the application no message: a client that sends only such is read slowly."""
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
        if not self.receive_queue.paused:
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
        self.receive_queue.put_frame({"type": "websocket.receive", **kind}, len(payload))

    def processControlFrame(self) -> bool:
        self._charge(self.limits.control_frame_cost)
        return super().processControlFrame()  # type: ignore[no-any-return]

    def onPing(self, payload: bytes) -> None:
        # A client that does not read its pongs gets no more of them (RFC 6455 section 5.5.3 allows it).
        if self.transport.backlog() <= self.limits.pending_bytes:
            super().onPing(payload)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        self.failedByMe = True  # autobahn drops the rest of the message and all others, and waits for the close frame
        self.close_with(frames.FRAME_TOO_BIG, self.limits.close_timeout)

    def _protocol_violation(self, reason: str) -> bool:
        return self._fail(super()._protocol_violation, reason)

    def _invalid_payload(self, reason: str) -> bool:
        return self._fail(super()._invalid_payload, reason)

    def _fail(self, close: Any, reason: str) -> bool:
        close(reason)
        self._unparseable = True
        self.data = b""
        self.transport.loseWriteConnection()  # the peer's answer could not be parsed, but its FIN will be seen
        return True

    # Liveness

    def tick(self, now: float, stalled: float) -> None:
        """Called about once a second by the server's one timer."""
        if self.state == self.STATE_OPEN:
            if stalled >= self.limits.stall:
                self.close_with(frames.TOO_SLOW, self.limits.short_close_timeout)
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
            in_line = self.receive_queue.paused or self.transport.backlog()
            last = self._pong_by + self.limits.ping_timeout * (QUEUED_PONG_TIMEOUTS - 1)
            if not in_line or now >= last:
                self.close_with(frames.HEARTBEAT, self.limits.short_close_timeout)

    def onPong(self, payload: bytes) -> None:
        if payload == self._ping:
            self._ping = None
            self._ping_at = self.server.now() + self.limits.ping_interval

    # The end

    def close_with(self, why: CloseReason, timeout: float, retry_after_ms: int | None = None) -> None:
        """Close for a reason of the server's own: goodbye, close frame, and ``timeout`` seconds for the answer."""
        if self.state == self.STATE_CONNECTING:
            self._refuse(503, why.reason)
        elif self.state == self.STATE_OPEN:
            SOCKETS_CLOSED.add(str(int(why.code)))
            self._send_goodbye(why, retry_after_ms)
            self._close(why.code, why.reason, timeout)

    def _send_goodbye(self, why: CloseReason, retry_after_ms: int | None) -> None:
        try:
            text = self.extension["goodbye"](why.code, why.reason, why.reconnect, retry_after_ms)
        except Exception:  # the application's code, while all sockets are being closed: one must not block the others
            logger.exception("The application's goodbye failed")
            return
        if text is not None:
            self.sendData(frame(frames.TEXT, text.encode()))

    def _close_for_application(self, message: Message) -> None:
        if self.state == self.STATE_CONNECTING:
            self._refuse(403, "Access denied")
        else:
            timeout = message.get("close_timeout", self.limits.close_timeout)
            self._close(message.get("code") or 1000, message.get("reason") or "", timeout)

    def _close(self, code: int, reason: str, timeout: float) -> None:
        self.sendCloseFrame(code, frames.close_reason(reason))
        self._close_by = self.server.now() + timeout
        if timeout < self.limits.tick:
            self.server.loop.call_later(timeout, self._end_close)

    def _end_close(self) -> None:
        if self.state == self.STATE_CLOSING:
            self.onCloseHandshakeTimeout()

    def onCloseHandshakeTimeout(self) -> None:
        self.wasClean = False
        self.wasNotCleanReason = "The client did not answer the close frame."
        # No reset unless bytes wait: it would take the goodbye from a client that has not read it yet.
        self.dropConnection(abort=self.transport.backlog() > 0)

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        if self.state != self.STATE_OPEN:
            return
        super().sendCloseFrame(code, reasonUtf8, isReply)
        self._close_by = self.server.now() + self.limits.close_timeout
        if isReply:
            self._send_disconnect(self.remoteCloseCode, self.remoteCloseReason)
        else:
            self._send_disconnect(code, (reasonUtf8 or b"").decode())

    def application_ended(self, error: BaseException | None) -> None:
        """Close the socket of an application that returned or raised: it would stay open for ever."""
        if self.state == self.STATE_CONNECTING:
            self._refuse(500, "Internal server error")
        elif self.state == self.STATE_OPEN:
            self._close(CloseCode.INTERNAL.value if error else 1000, "", self.limits.close_timeout)

    def abort(self) -> None:
        self.dropConnection(abort=True)

    def _closeConnection(self, abort: bool = False) -> None:
        # Autobahn resets the connection even after a proper closing handshake.
        super()._closeConnection(abort and not self.wasClean)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Forget the socket: the TCP connection is gone."""
        self._send_disconnect(code, reason)
        self.server.protocol_disconnected(self)


class WebSocketFactory(ws_protocol.WebSocketFactory):
    """Makes websockets with the server's limits."""

    def __init__(self, server: ServerState) -> None:
        super().__init__(server, server="")
        self.setProtocolOptions(
            maxMessagePayloadSize=server.limits.frame_bytes,
            openHandshakeTimeout=0,  # the server's one timer checks both
            closeHandshakeTimeout=0,
            failByDrop=False,
            webStatus=False,
            allowNullOrigin=True,
        )
        # Autobahn copies its options into each connection, and formats them for a log that is discarded. Here they
        # are attributes of a class.
        options = {name: getattr(self, name) for name in WebSocketProtocol.CONFIG_ATTRS}
        options["perMessageCompressionAccept"] = staticmethod(self.perMessageCompressionAccept)  # else it is a method
        self.protocol = type("Configured", (WebSocketProtocol,), {**options, "CONFIG_ATTRS": ()})
