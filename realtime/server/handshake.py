"""The opening handshake of a websocket: accepted by the application, or refused with an answer in HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from autobahn.twisted import websocket
from autobahn.websocket import protocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from daphne import ws_protocol
from twisted.internet.defer import Deferred

from realtime.server.receive_queue import ReceiveQueue
from realtime.server.transport import Disconnected, Transport
from realtime.server.types import Message, ServerState
from wire.asgi import render_problem
from wire.problems import Problem
from wire.request_ids import checked_request_id

NO_CODE = 1005  # the code in ASGI for a close frame without one (RFC 6455 section 7.4.1)
_CODES = {
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    426: "upgrade_required",
    500: "internal",
    503: "unavailable",
}

# Autobahn answers an Origin without a host, such as an app's "app://", with a bare 400. realtime.middleware checks
# every Origin, with an answer that a browser can read; null is one that Autobahn lets through (allowNullOrigin).
protocol._url_to_origin = lambda url: "null"

# Autobahn colours the values of its debug lines also while nothing logs them: a tenth of a millisecond per connection.
for _module in (protocol, websocket):
    vars(_module).update(hltype=lambda value: "", hlval=lambda value: "")


class HandshakeProtocol(ws_protocol.WebSocketProtocol):
    """The part of a websocket's protocol that runs before it is open."""

    transport: Transport
    server: ServerState
    receive_queue: ReceiveQueue

    def connectionMade(self) -> None:
        self._disconnect_sent = False  # the application has its last message
        self._denial: Message | None = None
        super().connectionMade()

    def onConnect(self, request: ConnectionRequest) -> Deferred[Any]:
        if self.server.draining:
            raise ConnectionDeny(503, "Restarting")
        if not request.headers.get("sec-websocket-protocol", "").isascii():
            raise ConnectionDeny(400, "Bad Sec-WebSocket-Protocol")  # daphne would answer with a traceback's last line
        return super().onConnect(request)  # type: ignore[no-any-return]

    def _accept(self, message: Message) -> None:
        if self.state != self.STATE_CONNECTING:
            raise Disconnected
        subprotocol = message.get("subprotocol")
        if subprotocol is not None and subprotocol not in self.websocket_protocols:
            raise ValueError(f"The client did not offer the subprotocol {subprotocol!r}")
        headers: dict[str, list[str]] = {}
        for name, value in message.get("headers", ()):
            headers.setdefault(name.decode("latin1"), []).append(value.decode("latin1"))
        self._take_deferred().callback((subprotocol, headers))

    def _refuse(self, status: int, reason: str) -> None:
        """Answer the handshake with a plain HTTP error."""
        self._send_disconnect(1006, reason)
        if hasattr(self, "handshake_deferred"):
            self._take_deferred().errback(ConnectionDeny(status, reason))
        else:
            self.dropConnection(abort=True)

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """Send a problem for a handshake that Autobahn, or ConnectionDeny, refuses."""
        problem = Problem(_CODES.get(code, "request.invalid"), reason)
        given = getattr(self, "http_headers", {})
        request_id = checked_request_id(given.get("x-request-id", ""))
        headers, body = render_problem(problem, request_id, given.get("origin", ""))
        headers += [(name.encode(), value.encode()) for name, value in responseHeaders or ()]
        self._respond(problem.status, headers, body)

    def _respond(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
        lines += [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
        is_head = getattr(self, "http_status_line", "").startswith("HEAD ")
        self.sendData(b"\r\n".join([*lines, b"", b"" if is_head else body]))

    def _deny(self, message: Message) -> None:
        """Send the application's own answer to the handshake, from ASGI's `websocket.http.response` messages."""
        if self.state != self.STATE_CONNECTING or not hasattr(self, "handshake_deferred"):
            raise Disconnected
        if self._denial is None:
            self._denial = {**message, "body": b""}
            return
        self._denial["body"] += message.get("body", b"")
        if not message.get("more_body"):
            del self.handshake_deferred
            self._respond(self._denial["status"], self._denial.get("headers", ()), self._denial["body"])
            self._send_disconnect(1006, "")
            self.dropConnection(abort=False)

    def _take_deferred(self) -> Deferred[Any]:
        deferred: Deferred[Any] = self.handshake_deferred
        del self.handshake_deferred
        return deferred

    def _send_disconnect(self, code: int | None, reason: str | None) -> None:
        """Send the application its last message, once; reading goes on, so as to see the client's close frame."""
        if self._disconnect_sent:
            return
        self._disconnect_sent = True
        self.receive_queue.close({"type": "websocket.disconnect", "code": code or NO_CODE, "reason": reason or ""})
