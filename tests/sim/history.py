"""The history of one schedule as plain data: the log in each epoch, and the receipts of each device."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from tests.model.membership import Period, periods_of

STUB: dict[str, Any] = {
    "text": None,
    "metadata": {},
    "mentions": {"users": [], "room": False},
    "attachments": [],
    "reply_to": None,
    "forwarded": None,
    "blocked": True,
}


@dataclass(slots=True)
class Row:
    """One event of the log. `toggles` maps the users whose membership begins (True) or ends (False) with it.

    `message` is the message that it carries whole, `about` one of which it carries a whole or a part, and `purged` are
    those that it turns into tombstones.
    """

    seq: int
    kind: str
    json: bytes
    at: float
    toggles: dict[str, bool] = field(default_factory=dict)
    message: str | None = None
    about: str | None = None
    purged: frozenset[str] = frozenset()
    tombstone: bytes | None = None
    deleted_by: int | None = None
    _parsed: list[Any] | None = None

    @property
    def rendered(self) -> bytes:
        """The event as the log has it now."""
        return self.tombstone or self.json

    def looks(self) -> list[Any]:
        """All forms that the event has had in the log."""
        if self._parsed is None or len(self._parsed) < 1 + (self.tombstone is not None):
            self._parsed = [orjson.loads(look) for look in (self.json, self.tombstone) if look]
        return self._parsed

    def stubs(self) -> list[Any]:
        """All forms in which a viewer receives it who blocks the sender of the message."""
        return [{**look, "data": {**look["data"], **STUB}} for look in self.looks()] if self.message else []

    def changes(self, message: str) -> bool:
        """True when the message has another version after it."""
        return message == self.about or message in self.purged

    def copied(self, head: int) -> "Row":
        """A copy of the event as it was when the log ended at this head."""
        if self.deleted_by is not None and self.deleted_by > head:
            return replace(self, tombstone=None, deleted_by=None, _parsed=None)
        return replace(self)


@dataclass(slots=True)
class Past:
    """The log in one epoch: from the moment when it was made, or restored, to the next restore."""

    epoch: int
    began_at: float
    rows: dict[str, list[Row]]

    def version_of(self, stream: str, message: str) -> int:
        """The seq of the last event that changed a message."""
        return next(row.seq for row in reversed(self.rows[stream]) if row.changes(message))

    def parts_of(self, stream: str, message: str) -> int:
        """The number of events that have changed a part of a message."""
        return sum(row.about == message and row.message is None for row in self.rows[stream])

    def blocks_of(self, user: str) -> tuple[int, dict[str, float]]:
        """The seq of the last change of the users whom this user blocks, and since when each is blocked."""
        seq, since = 0, dict[str, float]()
        for row in self.rows[user]:
            if row.kind.startswith("block."):
                other = orjson.loads(row.json)["data"]["user_id"]
                seq = row.seq
                if row.kind == "block.added":
                    since[other] = row.at
                else:
                    since.pop(other, None)
        return seq, since

    def periods(self, stream: str, user: str) -> list[Period]:
        """The membership of a user."""
        return periods_of((row.seq, row.toggles.get(user), row.at) for row in self.rows[stream])


@dataclass(slots=True)
class Record:
    """Something that a device did or received, in its order."""

    at: float
    kind: str  # requested | reply | event | synced | limited | reset | ephemeral | block | unsubscribed | refused | cut
    data: Any


@dataclass(slots=True)
class Lineage:
    """One device and one stream, over all its connections."""

    device: str
    user: str
    stream: str
    records: list[Record] = field(default_factory=list)
    listens: bool = False  # at the end: subscribed, on a connection that works

    @property
    def name(self) -> str:
        """A short name for reports."""
        return f"{self.device} of {self.user[-2:]} in {self.stream[-2:]}"


@dataclass(slots=True)
class Ring:
    """The memory of one process about one stream, looked into at some moment."""

    process: str
    stream: str
    epoch: int
    tail: int
    entries: Sequence[tuple[int, bytes]]


@dataclass(slots=True)
class History:
    """Everything that the checker judges."""

    seed: int
    shared: set[str]  # streams whose whole past a member sees
    inboxes: set[str]
    pasts: list[Past] = field(default_factory=list)
    lineages: list[Lineage] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    ended_at: float = 0.0
    deliveries: int = 0
