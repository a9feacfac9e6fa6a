"""The one client program of all servers: a crowd of sockets that checks all it hears, cheaply.

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
    """One socket and what it has heard."""

    def __init__(self, crowd: "Crowd", token: str = "", rooms: Sequence[str] = ()) -> None:
        self.crowd, self.token, self.rooms = crowd, token, rooms
        self.awaited = len(rooms)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last: dict[str, int] = {}  # by sender
        self.transport: WSTransport | None = None
        self.closed = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self.closed = True
            transport.disconnect()
            return
        messages, rest = self.crowd.read(frame.get_payload_as_bytes())
        if messages:
            self.crowd.hear(self, messages)
        if rest is not None:
            self.crowd.dialect.hear(self, rest)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))

    def say(self, frame: bytes) -> None:
        """Send a text frame."""
        assert self.transport is not None
        self.transport.send(WSMsgType.TEXT, frame)

    def be_ready(self) -> None:
        """All rooms are entered."""
        if not self.ready.done():
            self.ready.set_result(None)

    def acknowledge(self, tag: str, status: int) -> None:
        """A send was answered."""
        self.crowd.acknowledge(tag, status)

    def complain(self, what: str) -> None:
        """The server did what it should not."""
        self.crowd.errors.append(what)

    def close(self) -> None:
        """Go as a phone in a tunnel does."""
        if self.transport is not None:
            self.transport.disconnect(graceful=False)


@dataclass(slots=True)
class Pending:
    """A message on its way: its text, how many have yet to hear it, and when it was said."""

    text: str
    missing: int
    said_at: int


@dataclass
class Crowd:
    """Many sockets of one server, and the books of what was said and heard."""

    ws_url: str
    dialect: Dialect
    peers: list[Peer] = field(default_factory=list)
    pending: dict[tuple[str, int], Pending] = field(default_factory=dict)
    latencies_ns: list[int] = field(default_factory=list)
    ack_ns: list[int] = field(default_factory=list)
    deliveries: int = 0
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    on_heard: Callable[[str], None] | None = None  # a sender's message has reached everybody
    on_acknowledged: Callable[[str], None] | None = None  # with the sender
    unacknowledged: dict[str, int] = field(default_factory=dict)
    _payload: bytes = b""
    _parsed: tuple[list[tuple[str, int, Pending]], Any] = ([], None)
    _said: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

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
                if not self.dialect.speaks_apart:
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
            self.errors.append(f"heard what nobody says: {text[:30]}")
            return None
        return sender, int(number), pending

    def hear(self, peer: Peer, messages: list[tuple[str, int, Pending]]) -> None:
        """Check the order, count, and say when a message has reached everybody."""
        now = perf_counter_ns()
        for sender, number, pending in messages:
            if number != peer.last.get(sender, 0) + 1:
                self.errors.append(f"{sender}.{number} after {peer.last.get(sender, 0)}")
            peer.last[sender] = number
            self.deliveries += 1
            self.latencies_ns.append(now - pending.said_at)
            pending.missing -= 1
            if pending.missing == 0:
                del self.pending[sender, number]
                if self.on_heard:
                    self.on_heard(sender)

    def say(self, peer: Peer, sender: str, room: str, hearers: int) -> None:
        """One message; `hearers` is how many will hear it."""
        self._said[sender] += 1
        number = self._said[sender]
        text = f"{sender}.{number}.".ljust(TEXT_CHARS, "x")
        now = perf_counter_ns()
        if hearers:
            self.pending[sender, number] = Pending(text, hearers, now)
        tag = f"{sender}.{number}"
        if self.on_acknowledged:
            self.unacknowledged[tag] = now
        peer.say(self.dialect.message(room, text, tag))

    def acknowledge(self, tag: str, status: int) -> None:
        """A send was answered. 503 is an honest refusal of a busy server; anything else but success is an error."""
        if status == 503:
            self.refused += 1
        elif status not in (200, 201):
            self.errors.append(f"{tag} was refused: {status}")
        if self.on_acknowledged and (said_at := self.unacknowledged.pop(tag, None)) is not None:
            if status != 503:
                self.ack_ns.append(perf_counter_ns() - said_at)
            self.on_acknowledged(tag.split(".")[0])

    def clear(self) -> None:
        """New books, for the next run."""
        self.latencies_ns, self.ack_ns, self.deliveries, self.refused = [], [], 0, 0

    def give_up(self) -> int:
        """Forget what is still on its way; how many deliveries that are."""
        lost = sum(pending.missing for pending in self.pending.values())
        self.pending.clear()
        for peer in self.peers if lost else []:
            peer.last = dict(self._said)
        return lost

    async def close(self) -> None:
        """Hang up."""
        for peer in self.peers:
            peer.close()
        self.peers.clear()
        await asyncio.sleep(0)
