"""What is true, read from the last look at the rows: the log, who was in which room when, and who may see what."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from tests.chaos.history import Record

Event = dict[str, Any]
CLOCK_SECONDS = 0.005  # times on the wire are cut to milliseconds


class Stay(NamedTuple):
    """One membership: the seqs of the own join and leave (None: it goes on), and when the join was decided."""

    first: int
    last: int | None
    since: float

    def holds(self, seq: int) -> bool:
        """Whether a seq lies in it, both ends included."""
        return self.first <= seq and (self.last is None or seq <= self.last)


@dataclass(frozen=True)
class Anomaly:
    """One broken promise: which, in words, and the records that show it."""

    promise: str
    text: str
    evidence: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return "\n      ".join([f"{self.promise}: {self.text}", *(str(each)[:600] for each in self.evidence)])


class World:
    """A history, sorted for the checks."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.by_kind: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            self.by_kind[record["kind"]].append(record)
        self.users = {record["device"]: record["user"] for record in self.by_kind["device"]}
        self.bodies = {record["key"]: record["event"] for record in self.by_kind["body"]}
        self.done = {record["op"]: record for record in self.by_kind["done"]}

    @cached_property
    def log(self) -> dict[str, dict[int, Event]]:
        """By stream and seq."""
        streams: dict[str, dict[int, Event]] = defaultdict(dict)
        for record in self.by_kind["end_log"]:
            for row in record["events"]:
                streams[row["stream"]][row["event"]["seq"]] = row["event"]
        return streams

    @cached_property
    def rooms(self) -> dict[str, Event]:
        """By id: kind, history, name."""
        return {row["id"]: row for record in self.by_kind["end_room"] for row in record["rows"]}

    @cached_property
    def messages(self) -> list[Event]:
        """The rows of all messages."""
        return [row for record in self.by_kind["end_message"] for row in record["rows"]]

    @cached_property
    def deleted(self) -> set[str]:
        """The ids of messages that are tombstones."""
        return {row["id"] for row in self.messages if row["deleted_at"]}

    @cached_property
    def stays(self) -> dict[tuple[str, str], list[Stay]]:
        """By room and user, from the log alone."""
        found: dict[tuple[str, str], list[Stay]] = defaultdict(list)
        for room in self.rooms:
            for seq, event in sorted(self.log[room].items()):
                for user, is_in in _memberships(event):
                    stays = found[room, user]
                    if is_in:
                        stays.append(Stay(seq, None, moment(event["at"])))
                    elif stays:
                        stays[-1] = stays[-1]._replace(last=seq)
        return found

    def sees(self, user: str, stream: str, seq: int, at: float | None = None) -> bool:
        """Whether the history rule gives a user an event, ever or by a moment."""
        if stream == user:
            return True
        return any(
            stay.holds(seq) if self.is_partial(stream) else stay.last is None or seq <= stay.last
            for stay in self.stays.get((stream, user), ())
            if at is None or stay.since <= at + CLOCK_SECONDS
        )

    def is_partial(self, stream: str) -> bool:
        """Whether members see only their own stays."""
        return stream in self.rooms and self.rooms[stream]["history"] == "since_joined"

    def is_member(self, user: str, stream: str) -> bool:
        """At the end; everybody is a member of their inbox."""
        stays = self.stays.get((stream, user))
        return stream == user or bool(stays and stays[-1].last is None)

    def head(self, stream: str) -> int:
        """The last seq of the log."""
        return max(self.log[stream], default=0)

    @cached_property
    def faults(self) -> list[tuple[str, int, float, float, dict[str, Any]]]:
        """Name, server, begin, end and evidence of each."""
        found, begun = [], None
        for record in self.by_kind["fault"]:
            if record["phase"] == "begin":
                begun = record
            elif begun is not None:
                found.append((record["name"], record["server"], begun["t"], record["t"], record["evidence"]))
        return found

    def slack(self, since: float, until: float) -> float:
        """How long the harness itself was held up in a time, in seconds: the machine's part in a latency."""
        late = [float(record["ms"]) for record in self.by_kind["lag"] if since <= record["t"] <= until]
        return sum(late) / 1000


def moment(text: str) -> float:
    """Seconds, from a time on the wire."""
    at: float = datetime.fromisoformat(text).timestamp()
    return at


def _memberships(event: Event) -> list[tuple[str, bool]]:
    kind, data = event["type"], event["data"]
    if kind == "room.created":
        return [(member["user_id"], True) for member in data["members"]]
    if kind in ("member.joined", "member.left", "member.removed"):
        return [(data["user"]["id"], kind == "member.joined")]
    return []
