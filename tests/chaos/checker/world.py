"""The truth, read from the rows at the end: the log, memberships, and visibility."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from tests.chaos.history import Record
from tests.model.membership import Period, membership_changes, periods_of, sees

Event = dict[str, Any]
CLOCK_SECONDS = 0.005  # times on the wire are cut to milliseconds


@dataclass(frozen=True)
class Anomaly:
    """One broken promise: its name, a description, and the records that show it."""

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
    def shapes(self) -> dict[str, Event]:
        """Each message as its row has it, by id."""
        return {row["id"]: orjson.loads(row["data"]) for row in self.messages if "data" in row}

    def is_main(self, message_id: str) -> bool:
        """True when the main line of its room shows a message."""
        shape = self.shapes.get(message_id, {})
        return shape.get("thread_root") is None or bool(shape["in_room"])

    @cached_property
    def blocks(self) -> set[tuple[str, str]]:
        """At the end: each user and those whom they block."""
        return {(row["user_id"], row["blocked_id"]) for record in self.by_kind["end_block"] for row in record["rows"]}

    @cached_property
    def deleted(self) -> set[str]:
        """The ids of messages that are tombstones."""
        return {row["id"] for row in self.messages if row["deleted_at"]}

    @cached_property
    def periods(self) -> dict[tuple[str, str], list[Period]]:
        """Every membership, by room and user, from the log alone."""
        changes: dict[tuple[str, str], list[tuple[int, bool | None, float]]] = defaultdict(list)
        for room in self.rooms:
            for seq, event in sorted(self.log[room].items()):
                for user, joins in membership_changes(event).items():
                    changes[room, user].append((seq, joins, moment(event["at"])))
        return {key: periods_of(found) for key, found in changes.items()}

    def sees(self, user: str, stream: str, seq: int, at: float | None = None) -> bool:
        """True when the history rule shows a user an event: ever, or by a moment."""
        if stream == user:
            return True
        shared = stream not in self.rooms or self.rooms[stream]["history"] != "since_joined"
        until = float("inf") if at is None else at + CLOCK_SECONDS
        return sees(self.periods.get((stream, user), ()), seq, shared=shared, at=until)

    def is_member(self, user: str, stream: str) -> bool:
        """At the end; everybody is a member of their inbox."""
        periods = self.periods.get((stream, user))
        return stream == user or bool(periods and periods[-1].last is None)

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
        """The seconds in which the harness itself was held up: the machine's part in a latency."""
        late = [float(record["ms"]) for record in self.by_kind["lag"] if since <= record["t"] <= until]
        return sum(late) / 1000


def moment(text: str) -> float:
    """Seconds, from a time on the wire."""
    at: float = datetime.fromisoformat(text).timestamp()
    return at
