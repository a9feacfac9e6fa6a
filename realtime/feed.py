"""One stream inside a process: a pure state machine from hints and log pages to subscriptions. No I/O, no clock.

Exactly once and in order follows from three rules: the feed appends only tail + 1, a subscription accepts only
cursor + 1, and a page of the log has no hole (design section 3). What the broker does only changes when a repair runs.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import orjson

from api.seq_ranges import SeqRange, contains
from eventlog.event_types import MEMBERSHIP_EFFECTS

RING_EVENTS = 500
RING_BYTES = 256 * 1024
PENDING_EVENTS = 64  # above this the repair reads the log anyway
FRAME_BYTES = 200 * 1024  # a frame of events ends here; one event is at most about 40 KiB

# After user.erased no replay may show the name that the ring still holds. An inbox gets no such event, so its ring does
# not keep room.added, which shows the peer of a direct room.
_SHOW_USERS = frozenset({"user.erased", "room.added"})

Frame = dict[str, Any]


class LogEntry:
    """One event as the feed needs it: its place, its finished JSON, and whose membership it changes."""

    __slots__ = ("json", "message_id", "seq", "toggles", "type")

    def __init__(
        self,
        seq: int,
        event_type: str,
        json: bytes,
        message_id: str | None = None,
        toggles: Mapping[str, bool] | None = None,
    ) -> None:
        self.seq = seq
        self.type = event_type
        self.json = json
        self.message_id = message_id
        self.toggles = toggles or {}

    @classmethod
    def parse(cls, json: bytes) -> "LogEntry":
        """An entry from the JSON that travels in a hint and stands in the log."""
        event = orjson.loads(json)
        kind, data = event["type"], event["data"]
        message_id = data["id"] if kind.startswith("message.") else None
        effect = MEMBERSHIP_EFFECTS.get(kind)
        return cls(event["seq"], kind, json, message_id, effect(data) if effect else None)

    def retract(self, tombstone: "LogEntry") -> None:
        """Replace what was said with what the deletion left of it, as the log did."""
        mark = b',"data":'
        head, data = self.json.index(mark), tombstone.json.index(mark)
        self.json = self.json[:head] + tombstone.json[data:]


class EventBatch:
    """Consecutive events on their way to sockets: the frame is built once, however many sockets it goes to."""

    __slots__ = ("_frame", "_joined", "entries", "size")

    def __init__(self, entries: Sequence[LogEntry]) -> None:
        self.entries = entries
        self.size = sum(len(entry.json) + 1 for entry in entries) + 32
        self._frame: Frame | None = None
        self._joined: tuple[EventBatch, EventBatch] | None = None

    @property
    def frame(self) -> Frame:
        """The ASGI message; the same object for every socket, so that the server can keep its bytes in it too."""
        if self._frame is None:
            events = b",".join(entry.json for entry in self.entries).decode()
            self._frame = {"type": "websocket.send", "text": f'{{"action":"events","data":[{events}]}}'}
        return self._frame

    def join(self, following: "EventBatch") -> "EventBatch":
        """Both in one frame; sockets that wait for the same two share that frame as well."""
        if self._joined is None or self._joined[0] is not following:
            self._joined = (following, EventBatch([*self.entries, *following.entries]))
        return self._joined[1]


def runs(entries: Iterable[LogEntry]) -> Iterator[EventBatch]:
    """Cut events into frames of at most FRAME_BYTES."""
    part: list[LogEntry] = []
    size = 0
    for entry in entries:
        if part and size + len(entry.json) > FRAME_BYTES:
            yield EventBatch(part)
            part, size = [], 0
        part.append(entry)
        size += len(entry.json)
    if part:
        yield EventBatch(part)


class Subscriber(Protocol):
    """The receiver of a subscription's events: a socket's bounded outbox."""

    @property
    def full(self) -> bool:
        """Return whether it takes nothing more now."""

    async def room(self) -> None:
        """Wait until it is no longer full, or gone."""

    def give(self, run: EventBatch) -> None:
        """Take a run; never refuses, because the giver asks `full` before each."""


class Subscription:
    """One socket's place in one stream."""

    def __init__(
        self,
        user_id: str,
        cursor: int,
        sink: Subscriber,
        *,
        floor: int = 0,
        stays: Sequence[SeqRange] | None = None,
        member: bool = True,
        epoch: int = 1,
    ) -> None:
        """`floor` is the head at which membership was read: own joins and leaves up to it toggle nothing.

        `stays` are the intervals of membership up to the floor, both ends included; None means that the history is
        shared and all of it is visible. `epoch` is that of the admission, and of the cursor.
        """
        self.user_id = user_id
        self.cursor = cursor
        self.sink = sink
        self.floor = floor
        self.stays = stays
        self.member = member
        self.epoch = epoch
        self.left_at: int | None = None
        self.live = False
        self.ended = False
        self.unsynced = False  # `room.synced` is to be said when it is live

    @property
    def told(self) -> int:
        """Up to where all that it may see was given: not what it slept through and goes back for when it wakes."""
        return self.cursor if self.stays is not None or self.left_at is None else self.left_at

    def readmit(self, head: int, stays: Sequence[SeqRange] | None, member: bool, epoch: int) -> None:
        """Start again at the head, after the past was rewritten."""
        self.cursor = self.floor = head
        self.stays, self.member, self.epoch, self.left_at = stays, member, epoch, None

    def take(self, entries: Iterable[LogEntry]) -> bool:
        """Accept the events after the cursor in order; False when it stopped early and must catch up."""
        visible: list[LogEntry] = []
        size = 0
        for entry in entries:
            if entry.seq <= self.cursor:
                continue
            if entry.seq != self.cursor + 1 or self.sink.full:
                self._give(visible)
                return False
            self.cursor = entry.seq
            if self._sees(entry):
                visible.append(entry)
                size += len(entry.json)
            if self.cursor < entry.seq:  # a re-join sent the cursor back to the leave
                self._give(visible[:-1])
                return False
            if size > FRAME_BYTES:
                self._give(visible)
                visible, size = [], 0
        self._give(visible)
        return True

    def _give(self, visible: Sequence[LogEntry]) -> None:
        for run in runs(visible):
            self.sink.give(run)

    def _sees(self, entry: LogEntry) -> bool:
        if entry.seq <= self.floor:
            return self.stays is None or contains(self.stays, entry.seq)
        joined = entry.toggles.get(self.user_id)
        if joined is None:
            return self.member
        if joined:
            self._rejoin(entry.seq)
            return True
        was_member, self.member, self.left_at = self.member, False, entry.seq
        return was_member

    def _rejoin(self, seq: int) -> None:
        """Awake again. Where the history is shared, what was said meanwhile is now visible: go back for it."""
        if not self.member and self.stays is None and self.left_at is not None:
            self.cursor, self.floor = self.left_at, seq
        self.member, self.left_at = True, None


class Feed:
    """The tail of one stream in this process: its ring, the hints that came too early, and who listens."""

    def __init__(self, stream: str, epoch: int, tail: int) -> None:
        self.stream = stream
        self.epoch = epoch
        self.tail = tail
        self.past = 0  # how often it was rewritten; what was read in an earlier one is void
        self.ring: deque[LogEntry] = deque()
        self.ring_bytes = 0
        self.pending: dict[int, LogEntry] = {}
        self.subscriptions: set[Subscription] = set()
        self.live: set[Subscription] = set()
        self.silent: set[Subscription] = set()  # of members who left or were removed, and may be added again
        self.fallen: list[Subscription] = []  # left live mode and must catch up; the hub takes them from here
        self.fresh: list[LogEntry] = []  # appended since the hub last took them from here

    @property
    def hole(self) -> bool:
        """Return whether a later event is known while the next one is missing."""
        return bool(self.pending)

    def offer(self, entries: Iterable[LogEntry]) -> bool:
        """Hints: any order, doubled or late. True when there is a hole that a repair must fill."""
        for entry in entries:
            if entry.seq == self.tail + 1 or (entry.seq > self.tail and len(self.pending) < PENDING_EVENTS):
                self.pending[entry.seq] = entry
        self._drain()
        return self.hole

    def extend(self, page: Sequence[LogEntry]) -> None:
        """A page of the log after the tail, or from before it when hints were faster."""
        fresh = [entry for entry in page if entry.seq > self.tail]
        if fresh and fresh[0].seq == self.tail + 1:
            self._append(fresh)
        self._drain()

    def advance(self, subscription: Subscription) -> bool:
        """Replay the ring and flip to live, with nothing in between; False when a page of the log must come first.

        A cursor ahead of the tail is fine: the subscription skips what it has.
        """
        if subscription.cursor < self.tail and not subscription.take(self._after(subscription.cursor)):
            return False
        if subscription.cursor < self.tail:
            return False
        subscription.live = True
        self.live.add(subscription)
        self._watch(subscription)
        return True

    def add(self, subscription: Subscription) -> None:
        """Listen; `advance` makes it live."""
        self.subscriptions.add(subscription)

    def discard(self, subscription: Subscription) -> None:
        """Stop listening."""
        subscription.live, subscription.ended = False, True
        for listeners in (self.live, self.silent, self.subscriptions):
            listeners.discard(subscription)

    def tell(self, run: EventBatch, min_seq: int) -> None:
        """Something ephemeral: for members who are up to date, and only once who was removed before is known here."""
        if self.tail < min_seq:
            return
        for subscription in self.live:
            if subscription.member and not subscription.sink.full:
                subscription.sink.give(run)

    def behind(self, head: int) -> bool:
        """Return whether the log has more than this feed."""
        return head > self.tail

    def reset(self, epoch: int, head: int) -> None:
        """The past was rewritten: forget it. Who listens must be admitted anew."""
        self.epoch, self.tail, self.past = epoch, head, self.past + 1
        self.pending.clear()
        self.fresh = []
        self.cool()
        for subscription in self.live:
            subscription.live = False
        self.live.clear()
        self.silent.clear()

    def cool(self) -> None:
        """Give the ring's memory back; subscriptions that need it read the log."""
        self.ring.clear()
        self.ring_bytes = 0

    def _watch(self, subscription: Subscription) -> None:
        if subscription.member:
            self.silent.discard(subscription)
        else:
            self.silent.add(subscription)

    def _after(self, cursor: int) -> Iterator[LogEntry]:
        """The ring after the cursor, or nothing when it does not reach back so far."""
        if not self.ring or cursor + 1 < self.ring[0].seq:
            return iter(())
        return islice(self.ring, cursor + 1 - self.ring[0].seq, None)

    def _drain(self) -> None:
        ready: list[LogEntry] = []
        while entry := self.pending.pop(self.tail + 1 + len(ready), None):
            ready.append(entry)
        if ready:
            self._append(ready)
        for seq in [seq for seq in self.pending if seq <= self.tail]:
            del self.pending[seq]

    def _append(self, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            self._remember(entry)
        self.fresh += entries
        for run in runs(entries):
            self._deliver(run)

    def _remember(self, entry: LogEntry) -> None:
        self.tail = entry.seq
        if entry.type == "message.deleted":
            for earlier in self.ring:  # a deletion is the last event about a message
                if earlier.message_id == entry.message_id:
                    self.ring_bytes -= len(earlier.json)
                    earlier.retract(entry)
                    self.ring_bytes += len(earlier.json)
        elif entry.type in _SHOW_USERS:
            self.cool()  # what the log says by now is read from the log
            if entry.type == "room.added":
                return
        self.ring.append(entry)
        self.ring_bytes += len(entry.json)
        while len(self.ring) > RING_EVENTS or self.ring_bytes > RING_BYTES:
            self.ring_bytes -= len(self.ring.popleft().json)

    def _deliver(self, run: EventBatch) -> None:
        first, last = run.entries[0].seq, run.entries[-1].seq
        toggled = {user for entry in run.entries for user in entry.toggles}
        fallen = []
        for subscription in tuple(self.live):  # giving may end one
            if (
                subscription.cursor == first - 1
                and subscription.floor < first
                and subscription.member
                and subscription.user_id not in toggled
                and not subscription.sink.full
            ):
                subscription.cursor = last
                subscription.sink.give(run)
            elif subscription.take(run.entries):
                self._watch(subscription)
            else:
                fallen.append(subscription)
        for subscription in fallen:
            subscription.live = False
            self.live.discard(subscription)
            self.silent.discard(subscription)  # it may have just been woken
        self.fallen += fallen
