"""The log as the hub reads it, in memory: slow at times, away at times, and once in a while restored from a backup."""

import asyncio
import random
from collections.abc import Callable, Sequence
from uuid import UUID

import orjson
from django.db import OperationalError

from api.seq_ranges import FOR_EVER, SeqRange
from api.services.blocks import BlockState
from realtime.authorization import StreamAccess
from realtime.log_entry import LogEntry
from tests.model.membership import Period
from tests.sim.history import Past, Row
from wire.problems import Problem

PAGE_EVENTS = 4

SHARED, SINCE_JOINED = (str(UUID(int=0xA0 + number)) for number in range(2))
USERS = [str(UUID(int=0xB0 + number)) for number in range(4)]
INBOX = USERS[1]


def as_ranges(periods: Sequence[Period]) -> list[SeqRange]:
    """The membership periods in the form that the product reads: an open one ends at FOR_EVER."""
    return [(period.first, FOR_EVER if period.last is None else period.last) for period in periods]


class FakeLog:
    """Implements realtime.log_reader.Log. Each read sees one moment; between two reads others commit."""

    def __init__(self, rng: random.Random, clock: Callable[[], float], shared: set[str], inboxes: set[str]) -> None:
        self.rng = rng
        self.clock = clock
        self.shared, self.inboxes = shared, inboxes
        self.past = Past(1, 0.0, {stream: [] for stream in sorted({*shared, *inboxes})})
        self.pasts = [self.past]
        self.away = False
        self.slowness = 0.0  # how often a read takes long

    # Reads of the hub

    async def authorize(self, user_id: UUID, room_id: UUID | None) -> StreamAccess:
        """Reads the head, the membership and the periods, at different moments: less than the one snapshot promises."""
        await self._travel()
        stream, user = str(room_id or user_id), str(user_id)
        epoch, head = self.past.epoch, self.head(stream)
        if room_id is None:
            return StreamAccess(head, epoch, blocks=self._blocks(user))
        await self._perhaps_travel()
        periods = self.past.periods(stream, user)
        if not periods or periods[-1].last is not None:
            raise Problem("not_found")
        if stream in self.shared:
            return StreamAccess(max(head, periods[-1].first), epoch, blocks=self._blocks(user))
        await self._perhaps_travel()
        periods = self.past.periods(stream, user)
        last_seen = max([head, *(seq for period in periods for seq in (period.first, period.last) if seq)])
        return StreamAccess(last_seen, epoch, as_ranges(periods), self._blocks(user))

    async def blocks(self, user_id: UUID) -> BlockState:
        """The users whom a user blocks, read at one moment."""
        await self._travel()
        return self._blocks(str(user_id)) or BlockState(self.past.epoch, 0, frozenset())

    def _blocks(self, user: str) -> BlockState | None:
        """The blocks as an authorization has them: None for a user who never blocked anybody."""
        seq, since = self.past.blocks_of(user) if user in self.past.rows else (0, {})
        return BlockState(self.past.epoch, seq, frozenset(since)) if seq else None

    async def page(self, stream: str, after: int) -> list[LogEntry]:
        """The next events of a stream."""
        await self._travel()
        page = [LogEntry.parse(row.rendered) for row in self.past.rows[stream][after : after + PAGE_EVENTS]]
        await self._come_back()
        return page

    async def heads(self, streams: Sequence[str]) -> tuple[int, dict[str, int], float]:
        """The epoch, and how far each stream is."""
        await self._travel()
        heads = {stream: self.head(stream) for stream in streams if self.past.rows[stream]}
        epoch = self.past.epoch
        await self._come_back()
        return epoch, heads, 0.0

    async def _travel(self) -> None:
        """Delay a request on its way to the database."""
        slow = self.rng.random() < self.slowness
        await asyncio.sleep(self.rng.uniform(0.05, 0.9) if slow else self.rng.uniform(0.0003, 0.004))
        if self.away:
            raise OperationalError("The database is away")

    async def _come_back(self) -> None:
        """Delays an answer: the database may have changed meanwhile."""
        if self.rng.random() < 0.3:
            await asyncio.sleep(self.rng.choice((0.001, 0.004, self.slowness)))

    async def _perhaps_travel(self) -> None:
        if self.rng.random() < 0.3:
            await self._travel()

    # Writes of transactions

    def head(self, stream: str) -> int:
        """The last seq of a stream."""
        rows = self.past.rows[stream]
        return rows[-1].seq if rows else 0

    def append(self, row: Row, stream: str) -> None:
        """Commit an event; a deletion turns all events of its message into tombstones, a purge those of many."""
        rows = self.past.rows[stream]
        rows.append(row)
        if row.kind == "message.deleted":
            for earlier in rows[:-1]:
                if earlier.message == row.message:
                    data = row.json.index(b',"data":')
                    _bury(earlier, row.json[data:], row.seq)
        elif row.kind == "messages.purged":
            begun = first_seqs(rows)
            before = orjson.loads(row.json)["data"]["before_seq"]
            row.purged = frozenset(message for message, seq in begun.items() if seq < before)
            for earlier in rows[:-1]:
                is_text = earlier.message and earlier.deleted_by is None and earlier.kind != "message.deleted"
                if is_text and begun[earlier.message or ""] < before:
                    data = orjson.loads(earlier.json)["data"]
                    emptied = orjson.dumps({**data, "text": None, "deleted_at": "now"})
                    _bury(earlier, b',"data":' + emptied + b"}", row.seq)

    def rewind(self) -> None:
        """Restore a backup: each stream ends earlier, and the epoch is raised."""
        rows = {}
        for stream, before in self.past.rows.items():
            # Often only a little is lost: then the new events are soon where the old ones were.
            lost = self.rng.choice((0, 1, 1, 2, 3, 5, 10, 30))
            head = max(min(len(before), 1), len(before) - lost)
            rows[stream] = [row.copied(head) for row in before[:head]]
        self.past = Past(self.past.epoch + 1, self.clock(), rows)
        self.pasts.append(self.past)


def first_seqs(rows: Sequence[Row]) -> dict[str, int]:
    """The seq of each message, by its id."""
    return {row.message: row.seq for row in reversed(rows) if row.message}


def _bury(row: Row, data: bytes, seq: int) -> None:
    head = row.json.index(b',"data":')
    row.tombstone, row.deleted_by = row.json[:head] + data, seq
