"""One schedule: some processes, rooms, users and devices, and the faults between them, all from one seed."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from uuid import UUID

import orjson

from realtime import feed, log_entry, log_reader, replay_plan, subscription, sweep
from realtime.hub import Hub
from tests.model.membership import membership_changes
from tests.sim import log
from tests.sim.actions import CHOICES, Action, Change
from tests.sim.devices import Device, Socket
from tests.sim.history import History, Ring, Row
from tests.sim.layer import Layer, Network
from tests.sim.log import INBOX, SHARED, SINCE_JOINED, USERS
from tests.sim.loop import Stuck, VirtualLoop

VERIFY_SECONDS = 1.5

# Small numbers, so that a short schedule meets every bound.
BOUNDS: list[tuple[Any, str, Any]] = [
    (feed, "RING_EVENTS", 10),
    (feed, "RING_BYTES", 2_500),
    (feed, "PENDING_EVENTS", 5),
    (log_entry, "MAX_OUTBOUND_FRAME_BYTES", 600),
    (subscription, "MAX_OUTBOUND_FRAME_BYTES", 600),
    (log_reader, "PAGE_EVENTS", log.PAGE_EVENTS),
    (replay_plan, "MAX_REPLAY_EVENTS", 14),
    (log_reader, "MAX_CONCURRENT_PAGES", 2),
    # The sweep measures the CPU that it costs; here that must not depend on the machine.
    (sweep, "time", SimpleNamespace(thread_time=lambda: 0.0)),
]


@contextmanager
def small_bounds() -> Iterator[None]:
    """The server's code with small numbers, and with sets of subscriptions that iterate alike in every run."""

    def serial(each: subscription.Subscription) -> int:
        attributes = each.__dict__
        if "serial" not in attributes:
            attributes["serial"] = cast(Any, asyncio.get_running_loop()).next_serial()
        return cast(int, attributes["serial"])

    with ExitStack() as patches:
        for owner, name, value in BOUNDS:
            patches.enter_context(patch.object(owner, name, value))
        patches.enter_context(patch.object(subscription.Subscription, "__hash__", serial))
        yield


class CommittedEvent:
    """A committed event in the form that the hub reads: it has the used attributes of eventlog.models.Event."""

    def __init__(self, stream: str, epoch: int, row: Row) -> None:
        self.stream, self.seq, self.type, self.actor_id, self.min_seq = UUID(stream), row.seq, row.kind, None, 0
        self.epoch = epoch
        self._json = row.json

    def json(self) -> bytes:
        """The JSON as it was written."""
        return self._json

    @property
    def data(self) -> str:
        """The JSON of its data alone."""
        return orjson.dumps(orjson.loads(self._json)["data"]).decode()


class Process:
    """One server process: its hub, its connection to the layer, and the sockets on it."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name = world, name
        self.sockets: list[Socket] = []
        self.up = False
        self.start()

    def start(self) -> None:
        """Start, or start again."""
        if self.up:
            return
        self.up = True
        self.layer = Layer(self.world.network, f"{self.name}.{self.world.loop.now}")
        self.hub = Hub(self.world.log, cast(Any, self.layer))
        self.hub.start_tasks()

    def crash(self) -> None:
        """End without notice and lose all state."""
        self.up = False
        for socket in self.sockets:
            if not socket.cut:
                socket.device.lose(0.0)
            socket.close()
        self.sockets.clear()
        self.layer.break_off()
        assert self.hub.broker is not None
        for task in [*self.hub._tasks, *self.hub.broker._tasks]:
            task.cancel()

    def publish(self, committed: list[CommittedEvent]) -> None:
        """Pass committed events to the hub of this process."""
        if self.up:
            self.hub.committed(cast(Any, committed))


class World:
    """Runs one schedule and returns its history."""

    def __init__(self, seed: int, *, trace: bool = False, often: Action | None = None) -> None:
        self.rng = random.Random(seed)
        self.loop = VirtualLoop()
        self.tracing = trace
        self.weights = [max(6.0, 3 * weight) if action is often else weight for action, weight in CHOICES.items()]
        self.rewound = self.paused = False
        self.texts = count(1)
        self.senders: dict[str, str] = {}  # by message
        shared = {SHARED, INBOX}
        self.log = log.FakeLog(self.rng, lambda: self.loop.now, {SHARED}, {SINCE_JOINED, INBOX})
        self.log.shared = shared
        self.history = History(seed, shared, {INBOX})
        self.network = Network(self.rng, self.loop.as_asyncio)
        self.devices: list[Device] = []
        self.processes: list[Process] = []

    def run(self, steps: int | None = None) -> History:
        """The whole schedule; `steps` cuts it short, to find the smallest that still fails."""
        with self.loop.running():
            try:
                self._begin()
                wanted = self.rng.randrange(20, 45)
                for _ in range(wanted if steps is None else min(steps, wanted)):
                    self._step()
                self._heal()
            except Stuck:
                self.history.errors.append("something goes round without waiting")
            self.loop.end()
        history = self.history
        history.pasts, history.ended_at = self.log.pasts, self.loop.now
        history.errors += self.loop.errors
        return history

    def _begin(self) -> None:
        rng = self.rng
        self.log.slowness = rng.choice((0.0, 0.05, 0.2))
        self.processes = [Process(self, f"p{number}") for number in range(rng.choice((1, 2, 3, 3)))]
        for stream in (SHARED, SINCE_JOINED):
            members = [{"user_id": user} for user in USERS[: rng.choice((2, 3, 3))]]
            self.commit(stream, "room.created", {"members": members})
        for number in range(rng.choice((0, 0, 5, 30))):
            self.commit_message(rng.choice((SHARED, SINCE_JOINED)), number)
        for number, user in enumerate((*USERS, rng.choice(USERS))):
            device = Device(f"d{number}", user, self)
            device.wanted = [SHARED, SINCE_JOINED, *([INBOX] if user == INBOX else [])]
            self.devices.append(device)
            device.connect(rng.choice(self.processes))
        self.history.lineages = []
        self.loop.call_later(VERIFY_SECONDS, self._verify_blocks)
        self.loop.run_for(rng.choice((0.0, 0.01, 0.1)))

    def _step(self) -> None:
        rng = self.rng
        action = rng.choices(list(CHOICES), self.weights)[0]
        if self.tracing:
            self.history.trace.append(f"{self.loop.now:8.3f} {action.__name__}")
        action(self)
        self.loop.run_for(rng.choice((0.0, 0.0, 0.002, 0.01, 0.03, 0.1, rng.expovariate(4))))

    def _heal(self) -> None:
        """End all faults. No message follows, so only the sweep can find an event that was lost at the end."""
        self.log.away, self.log.slowness = False, 0.0
        self.network.thaw()
        self.network.down = False
        for process in self.processes:
            process.start()
        for device in self.devices:
            if device.socket is None:
                device.connect(self.rng.choice(self.processes))
            else:
                device.socket.send_queue.drain()
        self.loop.run_for(2.5)
        for device in self.devices:
            for stream in device.wanted:
                # After a restore the inbox is reset as well, and the device subscribes again. A subscription also ends
                # after a minute without events.
                if self.rewound or self.paused or stream not in device.listens:
                    device.subscribe(stream)
        self.loop.run_for(3.0)
        for device in self.devices:
            for stream, lineage in device.lineages.items():
                lineage.listens = stream in device.listens
                self.history.lineages.append(lineage)
        self.look_into_rings()

    def _verify_blocks(self) -> None:
        """Compare the block lists of each process with the log, as the verification of sessions does."""
        self.loop.call_later(VERIFY_SECONDS, self._verify_blocks)
        seq, _ = self.log.past.blocks_of(INBOX)
        for process in self.processes:
            if process.up and not self.log.away:
                process.hub.blocks.compare(INBOX, seq)

    # Writes of users

    def commit(
        self, stream: str, kind: str, data: Any, message: str | None = None, about: str | None = None
    ) -> CommittedEvent:
        """One event, now."""
        row = self.row(stream, self.log.head(stream) + 1, kind, data, message, about)
        self.log.append(row, stream)
        return CommittedEvent(stream, self.log.past.epoch, row)

    def commit_whole(self, stream: str, kind: str, message: str, **fields: Any) -> CommittedEvent:
        """An event with a whole message: its sender, its text, and how many parts of it were changed."""
        parts = self.log.past.parts_of(stream, message)
        data = {"id": message, "sender": {"id": self.senders[message]}, "parts": parts, **fields}
        return self.commit(stream, kind, data, message, message)

    def commit_part(self, stream: str, kind: str, message: str) -> CommittedEvent:
        """An event with a part of a message: it fits the version before it."""
        past, version = self.log.past, self.log.head(stream) + 1
        base, parts = past.version_of(stream, message), past.parts_of(stream, message) + 1
        data = {"id": message, "version": version, "base_version": base, "parts": parts}
        return self.commit(stream, kind, data, about=message)

    def row(
        self, stream: str, seq: int, kind: str, data: Any, message: str | None = None, about: str | None = None
    ) -> Row:
        """An event as eventlog.models.Event.json renders it."""
        rendered = orjson.dumps(data).decode()
        room = "null" if stream in self.history.inboxes else f'"{stream}"'
        head = f'{{"type":"{kind}","room_id":{room},"seq":{seq},"at":"2026-01-01T00:00:00.000Z","actor_id":null'
        json = f'{head},"data":{rendered}}}'.encode()
        return Row(seq, kind, json, self.loop.now, membership_changes({"type": kind, "data": data}), message, about)

    def commit_message(self, stream: str, number: int) -> CommittedEvent:
        """Commit a message with a new text."""
        text = f"c{next(self.texts)}"
        self.senders[f"m{text}"] = USERS[number % 3]
        return self.commit_whole(stream, "message.created", f"m{text}", text=text)

    def transact(self, stream: str, change: Change) -> None:
        """Begin a transaction on a random process; it commits or rolls back later, and then publishes."""
        process = self.rng.choice([process for process in self.processes if process.up] or self.processes)
        self.loop.call_later(self.rng.uniform(0.0, 0.01), self.end_transaction, process, stream, change)

    def end_transaction(self, process: Process, stream: str, change: Change) -> None:
        """Commit, unless it is rolled back; publish, unless the process dies in between."""
        if not process.up or self.log.away or self.rng.random() < 0.05:
            return
        committed = change(self, stream)
        if not committed or self.rng.random() < 0.05:
            return
        delay = self.rng.choice((0.0, 0.0, 0.001, 0.03))
        self.loop.call_later(delay, process.publish, committed)

    def members(self, stream: str) -> list[str]:
        """The present members of a room."""
        return [user for user in USERS if any(each.last is None for each in self.log.past.periods(stream, user))]

    def look_into_rings(self) -> None:
        """Record the ring of every feed of every process."""
        for process in self.processes:
            for stream, known in process.hub.feeds.items() if process.up else ():
                entries = [(entry.seq, entry.json) for entry in known.ring]
                self.history.rings.append(Ring(process.name, stream, known.epoch, known.tail, entries))
