"""Events that are never in the log: the stream's own notices, typing, and the read markers of others."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from eventlog.models import Event
from realtime.feed import EventBatch, LogEntry
from wire import strict_json
from wire.fields import format_time

TYPING_RESEND_MS = 5_000
TYPING_EXPIRE_MS = 15_000
MARKER_SECONDS = 1.0  # the newest read marker of a member, at most so often
TYPING_USERS = 100  # more than that nobody reads, and the set is sent whole

Tell = Callable[[str, EventBatch, int], None]


def ephemeral(stream: str, kind: str, data: dict[str, Any], *, inbox: bool = False) -> EventBatch:
    """An event without a seq: may be lost, is never replayed."""
    event = {
        "type": kind,
        "room_id": None if inbox else stream,
        "seq": None,
        "at": format_time(timezone.now()),
        "actor_id": None,
        "data": data,
    }
    return EventBatch([LogEntry(0, kind, strict_json.dumps(event))])


class Typing:
    """The users who type in each local room: the full set after each change, and again while somebody goes on typing.

    Who says nothing more is dropped; a client may do the same with a set that is not told again within expire_ms.
    A message ends its sender's typing, a leave or a removal the former member's.
    """

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._timers: dict[str, dict[str, asyncio.TimerHandle]] = {}
        self._told_at: dict[str, float] = {}

    def note(self, stream: str, user_id: str, on: bool, min_seq: int) -> None:
        """A user types, or no longer does. `min_seq` is the head of the room at which they were a member."""
        typing = self._timers.setdefault(stream, {})
        before = user_id in typing
        if before:
            typing.pop(user_id).cancel()
        loop = asyncio.get_running_loop()
        if on and len(typing) < TYPING_USERS:
            expire = TYPING_EXPIRE_MS / 1000
            typing[user_id] = loop.call_later(expire, self.note, stream, user_id, False, min_seq)
        is_old = loop.time() - self._told_at.get(stream, 0.0) > 2 * TYPING_RESEND_MS / 1000
        if before != (user_id in typing) or (typing and is_old):
            self._told_at[stream] = loop.time()
            run = ephemeral(stream, "typing", {"user_ids": sorted(typing)})
            self._tell(stream, run, min_seq, publish=False)  # each process is told who types, and makes its own set
        if not typing:
            del self._timers[stream]
            self._told_at.pop(stream, None)

    def end_with(self, stream: str, entries: Iterable[LogEntry]) -> None:
        """Events of a room that were just delivered: those of them after which somebody no longer types."""
        if stream not in self._timers:
            return
        for entry in entries:
            gone = {user for user, is_member in entry.toggles.items() if not is_member}
            if entry.type == "message.created":
                gone.add(orjson.loads(entry.json)["actor_id"])
            for user in gone & self._timers.get(stream, {}).keys():
                self.note(stream, user, False, entry.seq)


class Markers:
    """Read markers of others: the newest of each member, at most one a second."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._newest: dict[tuple[UUID, UUID | None], Event | None] = {}

    def note(self, event: Event) -> None:
        """A marker moved: tell at once, or with the next tick when this member's was told less than a second ago."""
        key = (event.stream, event.actor_id)
        if key in self._newest:
            self._newest[key] = event
            return
        self._newest[key] = None
        self._send(event)
        asyncio.get_running_loop().call_later(MARKER_SECONDS, self._tick, key)

    def _tick(self, key: tuple[UUID, UUID | None]) -> None:
        event = self._newest.pop(key)
        if event is not None:
            self.note(event)

    def _send(self, event: Event) -> None:
        self._tell(str(event.stream), EventBatch([LogEntry(0, event.type, event.json())]), event.min_seq)
