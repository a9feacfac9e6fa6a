"""The clients: sockets with a bounded send queue that is read slowly, and devices that keep cursors and reconnect."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.db import Error as DatabaseError

from realtime.handles import SubscriptionHandle
from realtime.log_entry import EventBatch
from realtime.replay_plan import plan_replay
from tests.sim.history import Lineage, Record
from wire.problems import Problem

if TYPE_CHECKING:
    from tests.sim.world import Process, World

OUTBOX_EVENTS = 6


class SendQueue:
    """A realtime.subscription.Subscriber that is full after a few events; the client reads at once or later."""

    def __init__(self, socket: "Socket", loop: asyncio.AbstractEventLoop) -> None:
        self.socket, self.loop = socket, loop
        self.waiting: deque[tuple[int, Any]] = deque()
        self.size = 0
        self.stalled = self.gone = False
        self._drained: list[asyncio.Future[None]] = []

    @property
    def is_full(self) -> bool:
        """True while events must wait in the log."""
        return self.size >= OUTBOX_EVENTS and not self.gone

    def send_events(self, batch: EventBatch) -> None:
        """Take events."""
        self._take(len(batch.entries), batch.frame["text"])

    def send_reply(self, record: tuple[str, str, Any]) -> None:
        """Take a reply: (kind, stream, data)."""
        self._take(1, record)

    async def wait_writable(self) -> None:
        """Wait until it is no longer full, or gone."""
        while self.is_full:
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
        if not self.is_full:
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
    """A socket that uses the hub like realtime.consumers.subscriptions does, without frames and tokens."""

    def __init__(self, device: "Device", process: "Process") -> None:
        self.device, self.process = device, process
        self.hub = process.hub
        self.send_queue = SendQueue(self, process.world.loop.as_asyncio)
        self.subscriptions: dict[str, SubscriptionHandle] = {}
        self.busy: set[str] = set()  # actions of one room keep their order
        self.tasks: list[asyncio.Task[None]] = []
        self.closing = self.cut = False

    def arrive(self, item: Any) -> None:
        """Pass a frame to the device, unless the connection is cut."""
        if not self.cut:
            self.device.receive(item)

    def subscribe(self, stream: str, after: int | None, epoch: int | None) -> None:
        """Perform the action; other actions of the stream wait for it."""
        self.busy.add(stream)
        self.tasks.append(asyncio.ensure_future(self._subscribe(stream, after, epoch)))

    async def _subscribe(self, stream: str, after: int | None, epoch: int | None) -> None:
        user = self.device.user
        room = None if stream == user else UUID(stream)
        try:
            access = await self.hub.log.authorize(UUID(user), room)
        except Problem:
            self.send_queue.send_reply(("refused", stream, "not_found"))
        except DatabaseError:
            self.send_queue.send_reply(("refused", stream, "unavailable"))
        else:
            plan = plan_replay(access, after, epoch)
            self._answer(self.hub.prepare(UUID(user), UUID(stream), access, plan, self.send_queue))
        finally:
            self.busy.discard(stream)

    def _running(self, stream: str) -> SubscriptionHandle | None:
        handle = self.subscriptions.get(stream)
        return handle if handle is not None and not handle.subscription.ended else None

    def _answer(self, handle: SubscriptionHandle) -> None:
        if self.closing:
            return
        stream = handle.feed.stream
        if running := self._running(stream):
            reply = handle.reply(running.subscription)
            self.process.world.loop.call_soon(self.hub.push_synced, running)
        else:
            reply = handle.reply()
            self.process.world.loop.call_soon(self._start, handle)
        self.send_queue.send_reply(("reply", stream, reply))

    def _start(self, handle: SubscriptionHandle) -> None:
        """Start the subscription right after the reply."""
        stream = handle.feed.stream
        if not self.closing and self._running(stream) is None:
            self.subscriptions[stream] = handle
            self.hub.start(handle)

    def unsubscribe(self, stream: str) -> None:
        """Perform the action."""
        known = self.subscriptions.pop(stream, None)
        if known is not None:
            self.hub.stop(known)
        self.send_queue.send_reply(("unsubscribed", stream, None))

    def close(self) -> None:
        """The server has noticed that the socket is gone."""
        if self.closing:
            return
        self.closing = self.cut = True
        for handle in self.subscriptions.values():
            self.hub.stop(handle)
        self.send_queue.stop()
        for task in self.tasks:
            task.cancel()


class Device:
    """One device of a user: it keeps a cursor for each stream while its sockets come and go."""

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
        self.note("requested", stream, {"after": after, "epoch": epoch})
        socket.subscribe(stream, after, epoch)

    def unsubscribe(self, stream: str) -> None:
        """Unsubscribe from a stream."""
        if self.socket is not None and not self.socket.cut and stream not in self.socket.busy:
            self.socket.unsubscribe(stream)

    def lose(self, seconds_until_noticed: float) -> None:
        """Cut the connection; the server notices some time later."""
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
        """Record for the checker."""
        lineage = self.lineages.get(stream)
        if lineage is None:
            lineage = self.lineages[stream] = Lineage(self.name, self.user, stream)
        lineage.records.append(Record(self.world.loop.now, kind, data))

    def receive(self, item: Any) -> None:
        """Process a reply or a frame of events."""
        if isinstance(item, str):
            for event in orjson.loads(item)["data"]:
                self._receive_event(event)
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

    def _receive_event(self, event: dict[str, Any]) -> None:
        stream, seq, kind = event["room_id"] or self.user, event["seq"], event["type"]
        self.world.history.deliveries += 1
        if seq is not None:
            self.note("event", stream, event)
            self.cursors[stream] = max(seq, self.cursors.get(stream, 0))
        elif kind == "sim.ephemeral":
            self.note("ephemeral", stream, event["data"])
        else:
            self.note(kind.partition(".")[2], stream, event["data"])
        if kind.startswith("block."):
            for each in self.wanted:
                self.note("block", each, {"user": event["data"]["user_id"], "on": kind == "block.added", "seq": seq})
        if kind == "room.reset":
            self.cursors[stream], self.epochs[stream] = event["data"]["head"], event["data"]["epoch"]
