"""The client of all measured servers: a crowd of sockets that checks every message that it receives.

A frame that is equal, byte by byte, to the one that a neighbour has just read is not parsed again: with a thousand
sockets in a room the client then costs less than the server that it measures.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tests.bench.dialects import Dialect

TEXT_CHARS = 100
CONNECTING = 50  # handshakes under way at once
PATIENCE_SECONDS = 60.0


class Peer(WSListener):
    """One socket and the last message that it received from each sender."""

    def __init__(self, crowd: "Crowd", token: str = "", rooms: Sequence[str] = ()) -> None:
        self.crowd, self.token, self.rooms = crowd, token, rooms
        self.awaited = len(rooms)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last: dict[str, int] = {}  # by sender
        self.transport: WSTransport | None = None
        self.closed = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.crowd.dialect.begin(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self.closed = True
            transport.disconnect()
            return
        messages, rest = self.crowd.read(frame.get_payload_as_bytes())
        if messages:
            self.crowd.receive(self, messages)
        if rest is not None:
            self.crowd.dialect.receive(self, rest)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))

    def send_text(self, frame: bytes) -> None:
        """Send a text frame."""
        assert self.transport is not None
        self.transport.send(WSMsgType.TEXT, frame)

    def be_ready(self) -> None:
        """Mark the socket as ready: it is in all its rooms."""
        if not self.ready.done():
            self.ready.set_result(None)

    def acknowledge(self, tag: str, status: int) -> None:
        """Record the reply to a send."""
        self.crowd.acknowledge(tag, status)

    def report_error(self, what: str) -> None:
        """Record a fault of the server."""
        self.crowd.errors.append(what)

    def close(self) -> None:
        """Abort the connection without a close frame, as a lost network does."""
        if self.transport is not None:
            self.transport.disconnect(graceful=False)


@dataclass(slots=True)
class Pending:
    """A message on its way: its text, the number of sockets that have not received it, and the time of the send."""

    text: str
    missing: int
    sent_at: int


@dataclass
class Crowd:
    """Many sockets of one server, with counts of the messages that were sent and received."""

    ws_url: str
    dialect: Dialect
    peers: list[Peer] = field(default_factory=list)
    pending: dict[tuple[str, int], Pending] = field(default_factory=dict)
    latencies_ns: list[int] = field(default_factory=list)
    ack_ns: list[int] = field(default_factory=list)
    deliveries: int = 0
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    on_delivered: Callable[[str], None] | None = None  # with the sender, when every socket has received a message
    on_acknowledged: Callable[[str], None] | None = None  # with the sender
    unacknowledged: dict[str, int] = field(default_factory=dict)
    _payload: bytes = b""
    _parsed: tuple[list[tuple[str, int, Pending]], Any] = ([], None)
    _sent: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def join(self, tokens: Sequence[str], rooms: Sequence[Sequence[str]]) -> list[Peer]:
        """Open a socket for each token, in these rooms, and wait until each is in all of its own."""
        gate = asyncio.Semaphore(CONNECTING)

        async def connect(peer: Peer) -> None:
            async with gate, asyncio.timeout(PATIENCE_SECONDS):
                await ws_connect(
                    lambda: peer,
                    self.ws_url + self.dialect.path(peer),
                    extra_headers=self.dialect.headers(peer),
                    websocket_handshake_timeout=PATIENCE_SECONDS,
                )
                if not self.dialect.sends_without_receiving:
                    peer.be_ready()  # the handshake is all there is
                await peer.ready

        made = [Peer(self, token, names) for token, names in zip(tokens, rooms, strict=True)]
        await asyncio.gather(*map(connect, made))
        self.peers += made
        return made

    def read(self, payload: bytes) -> tuple[list[tuple[str, int, Pending]], Any]:
        """Reads a frame and checks it against the message that was sent."""
        if payload != self._payload:
            texts, rest = self.dialect.read(payload)
            self._payload, self._parsed = payload, ([message for message in map(self._check, texts) if message], rest)
        return self._parsed

    def _check(self, text: str) -> tuple[str, int, Pending] | None:
        sender, number, _ = text.split(".", 2)
        pending = self.pending.get((sender, int(number)))
        if pending is None or pending.text != text:
            self.errors.append(f"received a text that was not sent: {text[:30]}")
            return None
        return sender, int(number), pending

    def receive(self, peer: Peer, messages: list[tuple[str, int, Pending]]) -> None:
        """Check the order, count, and call on_delivered when every socket has received a message."""
        now = perf_counter_ns()
        for sender, number, pending in messages:
            if number != peer.last.get(sender, 0) + 1:
                self.errors.append(f"{sender}.{number} after {peer.last.get(sender, 0)}")
            peer.last[sender] = number
            self.deliveries += 1
            self.latencies_ns.append(now - pending.sent_at)
            pending.missing -= 1
            if pending.missing == 0:
                del self.pending[sender, number]
                if self.on_delivered:
                    self.on_delivered(sender)

    def send_message(self, peer: Peer, sender: str, room: str, receivers: int) -> None:
        """Send one message; `receivers` is the number of sockets that will receive it."""
        self._sent[sender] += 1
        number = self._sent[sender]
        text = f"{sender}.{number}.".ljust(TEXT_CHARS, "x")
        now = perf_counter_ns()
        if receivers:
            self.pending[sender, number] = Pending(text, receivers, now)
        tag = f"{sender}.{number}"
        if self.on_acknowledged:
            self.unacknowledged[tag] = now
        peer.send_text(self.dialect.message(room, text, tag))

    def acknowledge(self, tag: str, status: int) -> None:
        """Record the reply to a send: a busy server may reject it with 503; any other failure is an error."""
        if status == 503:
            self.refused += 1
        elif status not in (200, 201):
            self.errors.append(f"{tag} was refused: {status}")
        if self.on_acknowledged and (sent_at := self.unacknowledged.pop(tag, None)) is not None:
            if status != 503:
                self.ack_ns.append(perf_counter_ns() - sent_at)
            self.on_acknowledged(tag.split(".")[0])

    def clear(self) -> None:
        """Reset the counts for the next run."""
        self.latencies_ns, self.ack_ns, self.deliveries, self.refused = [], [], 0, 0

    def give_up(self) -> int:
        """Drop the messages that are still on their way; return the number of missing deliveries."""
        lost = sum(pending.missing for pending in self.pending.values())
        self.pending.clear()
        for peer in self.peers if lost else []:
            peer.last = dict(self._sent)
        return lost

    async def close(self) -> None:
        """Close all sockets."""
        for peer in self.peers:
            peer.close()
        self.peers.clear()
        await asyncio.sleep(0)
