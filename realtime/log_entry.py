"""Events as feeds carry them: entries of the log with their finished JSON, and batches that share one frame."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from api.serializers.stubs import sender_of, stub_event
from eventlog.event_types import MEMBERSHIP_EFFECTS
from realtime.limits import MAX_OUTBOUND_FRAME_BYTES

Frame = dict[str, Any]


class LogEntry:
    """One event: its seq, its finished JSON, and the memberships that it changes (user id: is a member afterwards)."""

    __slots__ = ("_sender", "_stub", "json", "membership_changes", "message_id", "seq", "type")

    def __init__(
        self,
        seq: int,
        event_type: str,
        json: bytes,
        message_id: str | None = None,
        membership_changes: Mapping[str, bool] | None = None,
    ) -> None:
        self.seq = seq
        self.type = event_type
        self.json = json
        self.message_id = message_id
        self.membership_changes = membership_changes or {}
        self._sender: str | None = None
        self._stub: LogEntry | None = None  # made once for all viewers who block the sender

    @classmethod
    def parse(cls, json: bytes) -> "LogEntry":
        """Parse the JSON of a durable event, which is the same in a hint and in the log."""
        event = orjson.loads(json)
        kind, data = event["type"], event["data"]
        message_id = data["id"] if kind.startswith("message.") else None
        effect = MEMBERSHIP_EFFECTS.get(kind)
        return cls(event["seq"], kind, json, message_id, effect(data) if effect else None)

    def recorded_at(self) -> float:
        """Return the time of the event in seconds since 1970."""
        start = self.json.index(b'"at":"') + 6
        return datetime.fromisoformat(self.json[start : self.json.index(b'"', start)].decode()).timestamp()

    def retract(self, tombstone: "LogEntry") -> None:
        """Replace the data with that of the deletion, as the log does."""
        mark = b',"data":'
        head, data = self.json.index(mark), tombstone.json.index(mark)
        self.json = self.json[:head] + tombstone.json[data:]
        self._stub = None

    def is_hidden_by(self, blocked: Collection[str]) -> bool:
        """Return whether it has a message of one of these users."""
        if self.message_id is None:
            return False
        if self._sender is None:
            self._sender = sender_of(self.json)
        return self._sender in blocked

    def stub(self) -> "LogEntry":
        """Return the event with the stub of its message."""
        if self._stub is None:
            self._stub = LogEntry(self.seq, self.type, stub_event(self.json), self.message_id)
        return self._stub


class EventBatch:
    """Consecutive events that travel in one frame; the frame is built once for all sockets."""

    __slots__ = ("_frame", "_hidden", "_joined", "entries", "size")

    def __init__(self, entries: Sequence[LogEntry]) -> None:
        self.entries = entries
        self.size = sum([len(entry.json) + 1 for entry in entries]) + 32
        self._frame: Frame | None = None
        self._joined: tuple[EventBatch, EventBatch] | None = None
        self._hidden: dict[tuple[int, ...], EventBatch] | None = None  # by the seqs of the stubs

    @property
    def frame(self) -> Frame:
        """The ASGI message: the same object for every socket, so that the server can keep its bytes in it too."""
        if self._frame is None:
            events = b",".join([entry.json for entry in self.entries]).decode()
            self._frame = {"type": "websocket.send", "text": f'{{"action":"events","data":[{events}]}}'}
        return self._frame

    def join(self, following: "EventBatch") -> "EventBatch":
        """Return one batch of both. Sockets that join the same two batches share the result."""
        if self._joined is None or self._joined[0] is not following:
            self._joined = (following, EventBatch([*self.entries, *following.entries]))
        return self._joined[1]

    def without(self, blocked: Collection[str]) -> "EventBatch":
        """Return the batch for a viewer who blocks these users. Viewers who get the same stubs share it."""
        hidden = tuple(entry.seq for entry in self.entries if entry.is_hidden_by(blocked))
        if not hidden:
            return self
        if self._hidden is None:
            self._hidden = {}
        if hidden not in self._hidden:
            entries = [entry.stub() if entry.is_hidden_by(blocked) else entry for entry in self.entries]
            self._hidden[hidden] = EventBatch(entries)
        return self._hidden[hidden]


def batches(entries: Iterable[LogEntry]) -> Iterator[EventBatch]:
    """Cut events into batches of at most MAX_OUTBOUND_FRAME_BYTES."""
    part: list[LogEntry] = []
    size = 0
    for entry in entries:
        if part and size + len(entry.json) > MAX_OUTBOUND_FRAME_BYTES:
            yield EventBatch(part)
            part, size = [], 0
        part.append(entry)
        size += len(entry.json)
    if part:
        yield EventBatch(part)
