"""The TCP connection: writes go straight to the operating system, and bytes that it does not take yet are counted."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import Iterable
from typing import Any, Self

from twisted.internet import tcp
from twisted.internet.error import ConnectionLost
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.python.failure import Failure

from realtime.server import floods
from realtime.server.types import ServerState

LISTEN_BACKLOG = 1024
MAX_REFUSED_AT_ONCE = 50  # in one turn of the event loop, a few milliseconds
SEND_BUFFER_BYTES = 128 * 1024  # else Linux grows it to 4 MiB, and a reader that has stopped looks healthy for minutes
PEER_TIMEOUT_MS = 45_000  # how long the peer's kernel may leave sent bytes unacknowledged: as long as a pong


class Disconnected(ConnectionResetError):
    """The client is gone; an application that does not catch this ends without a log line."""


class Transport(tcp.Server):
    """One connection, of HTTP or of a websocket."""

    bufferSize = 16 * 1024  # of one read: four of them make the largest frame, and a paused socket holds little

    _moved = 0
    _seen_moved = 0

    def open(self, server: ServerState) -> None:
        """Count this connection among the server's; called once, when it is accepted."""
        self._server = server
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._seen_at = server.now()
        server.transports.add(self)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT") and self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_TIMEOUT_MS)

    def backlog(self) -> int:
        """Bytes that wait in this process."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    def has_input(self) -> bool:
        """Return whether bytes have arrived that the event loop has not read yet."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:  # nothing, or the connection is broken
            return False

    def write_now(self, data: bytes) -> None:
        """Write at once while nothing waits; Twisted's own write waits for a turn of the event loop."""
        sent = 0
        if not self._tempDataLen and len(self.dataBuffer) == self.offset:
            try:
                sent = self.socket.send(data)
            except OSError:  # full for now, or broken: then the next write event finds out and closes
                sent = 0
        if sent != len(data):
            self.write(data[sent:] if sent else data)

    def flush(self) -> None:
        """Write what waits at once, unless the connection is about to end, which only the reactor may do."""
        if self.connected and not self.disconnecting and self.backlog():
            self.doWrite()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        # Twisted would check and keep each part by itself, of which the head of a response has some forty.
        self.write(b"".join(data))

    def writeSomeData(self, data: bytes) -> int | ConnectionLost:
        sent = super().writeSomeData(data)
        if isinstance(sent, int):
            self._moved += sent
        return sent

    def doRead(self) -> Any:
        """Read, and detect a reset behind the bytes: uvloop reports an error once and never again."""
        lost = super().doRead()
        if lost is None and self.connected and self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return CONNECTION_LOST
        return lost

    def doWrite(self, *args: Any, **kwargs: Any) -> None:
        # One of its two bases types it as returning nothing, but the reactor needs the result.
        result = super().doWrite()
        if self._waiters:
            backlog = self.backlog()
            for low, waiter in self._waiters:
                if backlog <= low and not waiter.done():
                    waiter.set_result(None)
        return result  # type: ignore[no-any-return]

    def connectionLost(self, reason: Failure) -> None:
        self._server.transports.discard(self)
        super().connectionLost(reason)
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(Disconnected())

    def stalled_for(self, now: float) -> float:
        """Seconds for which bytes have waited and none has moved, as seen by one regular caller."""
        if self._moved != self._seen_moved or not self.backlog():
            self._seen_moved, self._seen_at = self._moved, now
        return now - self._seen_at

    async def drain(self, low: int) -> None:
        """Return when at most ``low`` bytes wait; ConnectionError when the connection is gone."""
        if not self.connected:
            raise Disconnected
        if self.backlog() <= low:
            return
        entry = low, asyncio.get_running_loop().create_future()
        self._waiters.append(entry)
        try:
            await entry[1]
        finally:
            self._waiters.remove(entry)
            del entry  # its exception leads to this frame: a circle that would hold the whole answer


class Listener(socket.socket):
    """A listening socket that answers a flood of handshakes itself, before each costs a transport and a protocol."""

    _waits_for_data = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Return a new connection. Raises BlockingIOError when there is none, or for a flood: others have a turn."""
        if floods.is_flooded() is not self._waits_for_data and self.family != socket.AF_UNIX:
            self._waits_for_data = not self._waits_for_data
            if hasattr(socket, "TCP_DEFER_ACCEPT"):  # the kernel keeps a connection until its first bytes are there
                self.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, int(self._waits_for_data))
        for _ in range(MAX_REFUSED_AT_ONCE):
            connection, address = super().accept()
            if not (self._waits_for_data and floods.refuse_by_first_bytes(connection, address[0])):
                return connection, address
        raise BlockingIOError(errno.EAGAIN, "Others have a turn")


class Port(tcp.Port):
    """A listening socket whose connections are ours."""

    transport = Transport

    @classmethod
    def of(cls, reactor: Any, listener: socket.socket, factory: Any) -> Self:
        """Return a port for a socket that listens, which it duplicates."""
        port: Self = cls._fromListeningDescriptor(reactor, listener.fileno(), listener.family, factory)
        assert port._preexistingSocket is not None
        port._preexistingSocket = Listener(fileno=port._preexistingSocket.detach())
        return port

    def close(self) -> None:
        """Accept the connections that the kernel has accepted already, then close at once: it would reset them."""
        waiting = select.poll()
        waiting.register(self.fileno(), select.POLLIN)
        for _ in range(LISTEN_BACKLOG):
            if not waiting.poll(0):
                break
            self.doRead()
        self.stopReading()
        # Twisted's stopListening would leave the kernel accepting until the next turn of the event loop.
        self.connectionLost(Failure(CONNECTION_DONE))
