"""The other side: sockets with a bounded outbox that is read slowly, and devices that keep cursors and come back."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.db import Error as DatabaseError

from realtime.feed import EventBatch, Feed, Subscription
from realtime.hub import Opened, reply_of
from tests.sim.history import Lineage, Record
from wire.problems import Problem

if TYPE_CHECKING:
    from tests.sim.world import Process, World

OUTBOX_EVENTS = 6


class SendQueue:
    """A realtime.feed.Subscriber that is full after a few events; the client reads at once, or after a while."""

    def __init__(self, socket: "Socket", loop: asyncio.AbstractEventLoop) -> None:
        self.socket, self.loop = socket, loop
        self.waiting: deque[tuple[int, Any]] = deque()
        self.size = 0
        self.stalled = self.gone = False
        self._drained: list[asyncio.Future[None]] = []

    @property
    def full(self) -> bool:
        """True while events must wait in the log."""
        return self.size >= OUTBOX_EVENTS and not self.gone

    def give(self, run: EventBatch) -> None:
        """Take events."""
        self._take(len(run.entries), run.frame["text"])

    def put(self, record: tuple[str, str, Any]) -> None:
        """Take a reply: (kind, stream, data)."""
        self._take(1, record)

    async def room(self) -> None:
        """Wait until it is no longer full, or gone."""
        while self.full:
            drained = self.loop.create_future()
            self._drained.append(drained)
            await drained

    def stall(self, seconds: float) -> None:
        """The client does not read for a while."""
        self.stalled = True
        self.loop.call_later(seconds, self.drain)

    def drain(self) -> None:
        """The client reads one after another, until it stalls again."""
        self.stalled = False
        if not self.waiting or self.gone:
            return
        size, item = self.waiting.popleft()
        self.size -= size
        self.socket.arrive(item)
        if not self.full:
            self._wake()
        if self.waiting:
            self.stalled = True
            self.loop.call_later(0.002, self.drain)

    def stop(self) -> None:
        """The socket is gone."""
        self.gone = True
        self.waiting.clear()
        self._wake()

    def _take(self, size: int, item: Any) -> None:
        if self.gone:
            return
        if not self.stalled and not self.waiting:
            self.socket.arrive(item)
            return
        self.waiting.append((size, item))
        self.size += size

    def _wake(self) -> None:
        for drained in self._drained:
            if not drained.done():
                drained.set_result(None)
        self._drained.clear()


class Socket:
    """A socket that uses the hub like realtime.consumers.streams does, without frames and tokens."""

    def __init__(self, device: "Device", process: "Process") -> None:
        self.device, self.process = device, process
        self.hub = process.hub
        self.outbox = SendQueue(self, process.world.loop.as_asyncio)
        self.subscriptions: dict[str, tuple[Feed, Subscription]] = {}
        self.busy: set[str] = set()  # lanes: actions of one room keep their order
        self.tasks: list[asyncio.Task[None]] = []
        self.closing = self.cut = False

    def arrive(self, item: Any) -> None:
        """Something reaches the device, unless the wire is cut."""
        if not self.cut:
            self.device.receive(item)

    def subscribe(self, stream: str, after: int | None, epoch: int | None) -> None:
        """The action, in its lane."""
        self.busy.add(stream)
        self.tasks.append(asyncio.ensure_future(self._subscribe(stream, after, epoch)))

    async def _subscribe(self, stream: str, after: int | None, epoch: int | None) -> None:
        user = self.device.user
        room = None if stream == user else UUID(stream)
        try:
            opened = await self.hub.open(UUID(user), room, after, epoch, self.outbox)
        except Problem:
            self.outbox.put(("refused", stream, "not_found"))
        except DatabaseError:
            self.outbox.put(("refused", stream, "unavailable"))
        else:
            self._answer(stream, opened)
        finally:
            self.busy.discard(stream)

    def _answer(self, stream: str, opened: Opened) -> None:
        if self.closing:
            return
        known = self.subscriptions.get(stream)
        if known is not None and not known[1].ended:
            reply = reply_of(known[1], opened)
            self.process.world.loop.call_soon(self.hub.go_on, *known)
        else:
            reply = opened.reply
            self.process.world.loop.call_soon(self.begin, opened)
        self.outbox.put(("reply", stream, reply))

    def begin(self, opened: Opened) -> None:
        """Right after the reply."""
        known = self.subscriptions.get(opened.feed.stream)
        if self.closing or (known is not None and not known[1].ended):
            return
        self.subscriptions[opened.feed.stream] = (opened.feed, opened.subscription)
        self.hub.begin(opened)

    def unsubscribe(self, stream: str) -> None:
        """The action."""
        known = self.subscriptions.pop(stream, None)
        if known is not None:
            self.hub.end(*known)
        self.outbox.put(("unsubscribed", stream, None))

    def close(self) -> None:
        """The server has noticed that the socket is gone."""
        if self.closing:
            return
        self.closing = self.cut = True
        for feed, subscription in self.subscriptions.values():
            self.hub.end(feed, subscription)
        self.outbox.stop()
        for task in self.tasks:
            task.cancel()


class Device:
    """One device of a user: it keeps a cursor for each stream, whatever happens to its sockets."""

    def __init__(self, name: str, user: str, world: "World") -> None:
        self.name, self.user, self.world = name, user, world
        self.socket: Socket | None = None
        self.cursors: dict[str, int] = {}
        self.epochs: dict[str, int] = {}
        self.listens: set[str] = set()
        self.wanted: list[str] = []
        self.lineages: dict[str, Lineage] = {}

    def connect(self, process: "Process") -> None:
        """A new socket, and all streams again."""
        self.socket = Socket(self, process)
        process.sockets.append(self.socket)
        for stream in self.wanted:
            self.subscribe(stream)

    def subscribe(self, stream: str) -> None:
        """Subscribe from the cursor that it keeps; a first time from somewhere, or from the head."""
        socket = self.socket
        if socket is None or socket.cut or stream in socket.busy:
            return
        rng = self.world.rng
        after = self.cursors.get(stream)
        if after is None and rng.random() < 0.7:
            after = 0
        epoch = self.epochs.get(stream)
        self.note("asked", stream, {"after": after, "epoch": epoch})
        socket.subscribe(stream, after, epoch)

    def unsubscribe(self, stream: str) -> None:
        """No longer."""
        if self.socket is not None and not self.socket.cut and stream not in self.socket.busy:
            self.socket.unsubscribe(stream)

    def lose(self, seconds_until_noticed: float) -> None:
        """The connection is cut; the server notices some time later."""
        socket, self.socket = self.socket, None
        if socket is None:
            return
        socket.cut = True
        for stream in self.wanted:
            self.note("cut", stream, None)
        self.listens.clear()
        if seconds_until_noticed:
            self.world.loop.call_later(seconds_until_noticed, socket.close)
        else:
            socket.close()

    def note(self, kind: str, stream: str, data: Any) -> None:
        """Remember for the checker."""
        lineage = self.lineages.get(stream)
        if lineage is None:
            lineage = self.lineages[stream] = Lineage(self.name, self.user, stream)
        lineage.records.append(Record(self.world.loop.now, kind, data))

    def receive(self, item: Any) -> None:
        """A reply, or a frame of events."""
        if isinstance(item, str):
            for event in orjson.loads(item)["data"]:
                self._hear(event)
            return
        kind, stream, data = item
        self.note(kind, stream, data)
        if kind == "reply":
            self.listens.add(stream)
            self.epochs[stream] = data["epoch"]
            if data["replay"] != "complete" or stream not in self.cursors:
                self.cursors[stream] = data["after"]
        elif kind == "unsubscribed":
            self.listens.discard(stream)
        elif data == "unavailable":
            self.world.loop.call_later(0.4, self.subscribe, stream)

    def _hear(self, event: dict[str, Any]) -> None:
        stream, seq, kind = event["room_id"] or self.user, event["seq"], event["type"]
        self.world.history.deliveries += 1
        if seq is not None:
            self.note("event", stream, event)
            self.cursors[stream] = max(seq, self.cursors.get(stream, 0))
        elif kind == "sim.told":
            self.note("told", stream, event["data"])
        else:
            self.note(kind.partition(".")[2], stream, event["data"])
        if kind == "room.reset":
            self.cursors[stream], self.epochs[stream] = event["data"]["head"], event["data"]["epoch"]
