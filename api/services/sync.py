"""Coming back after three seconds or three weeks: one answer to everything that a device has missed (design section 7).

The inbox is told first, then the rooms by id, descending. What does not fit is left to the next page: a page may end
within a room, whose entry then names as `head` how far it tells. Nothing is ever left out without saying so.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import Q

from api.models import Event
from api.models.members import State
from api.serializers.messages import MAX_SEQ
from api.serializers.sync import EVENTS
from api.services.descriptions import describe_rooms
from api.services.history import stream_head
from api.services.lacks import Lack, choose, look
from wire import strict_json
from wire.problems import invalid

_ENTRY_BYTES = 200  # what surrounds the events or the Room of an entry


@dataclass(frozen=True, slots=True)
class Synced:
    """An answer, and for the socket that goes on from it: by stream, the seq up to which it has told everything."""

    data: dict[str, Any]
    cursors: dict[UUID, int]


class Position(NamedTuple):
    """Where the next page begins: how far the inbox is told, and the room to go on with, from which seq."""

    epoch: int
    inbox: int | None = None
    inbox_done: bool = False
    room: UUID | None = None
    after: int | None = None


@dataclass(slots=True)
class Page:
    """The answer as it grows, and how much more of it there may be."""

    limit: int
    max_bytes: int | None
    rooms: list[dict[str, Any]] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    cursors: dict[UUID, int] = field(default_factory=dict)
    size: int = 0

    def take(self, size: int) -> bool:
        """Whether something of this size still fits; the first thing always does, so that every page leads on."""
        if self.max_bytes is not None and self.size and self.size + size > self.max_bytes:
            return False
        self.size += size
        return True

    def take_events(self, events: Sequence[Event]) -> list[orjson.Fragment]:
        """As many of them as fit, finished."""
        taken = []
        around = _ENTRY_BYTES
        for event in events:
            json = event.json()
            if not self.take(around + len(json) + 1):
                break
            taken.append(orjson.Fragment(json))
            around = 0
        return taken


def sync(
    *,
    user_id: UUID,
    rooms: Mapping[UUID, int],
    inbox: int | None = None,
    epoch: int | None = None,
    limit: int = EVENTS,
    next: str | None = None,
    max_bytes: int | None = None,
) -> Synced:
    """The page of the answer that begins at `next`. Raises Problem request.invalid for a `next` that is not ours.

    The inbox's head is read first, then the memberships with the heads of their rooms, then the rooms: whatever happens
    in between is told again by a stream that was read before it, never lost.
    """
    head, current = stream_head(user_id)
    position = _decode(next) if next else Position(epoch=current if epoch is None else epoch)
    trusted = position.epoch == current
    page = Page(limit, max_bytes)
    told = _tell_inbox(page, user_id, head, position, inbox, trusted)
    following: Position | None = Position(position.epoch, told["head"])
    if user_id in page.cursors:
        limit -= len(told["events"])
        following = _tell_rooms(page, user_id, rooms, position, trusted, limit, told["head"])
    data = {"rooms": page.rooms, "removed": page.removed, "inbox": told, "epoch": current}
    return Synced({**data, "next": _encode(following) if following else None}, page.cursors)


def _tell_inbox(
    page: Page, user_id: UUID, head: int, position: Position, cursor: int | None, trusted: bool
) -> dict[str, Any]:
    """The inbox's entry. Once it is told whole, later pages stay at that head, from which its live stream goes on."""
    entry: dict[str, Any] = {"head": head, "events": [], "limited": None, "reset": False}
    after = cursor if position.inbox is None else position.inbox
    if after is not None and (after > head or not trusted):
        entry["reset"] = True
    elif position.inbox_done:
        entry["head"] = position.inbox
    elif after is not None and head - after > EVENTS:
        entry["limited"] = {"from": after + 1, "to": head}
    elif after is not None and head > after:
        events = Event.objects.filter(stream=user_id, seq__lte=head).page_after(user_id, after, page.limit)
        entry["events"] = page.take_events(events)
        entry["head"] = after + len(entry["events"])
        if entry["head"] < head:
            return entry
    page.cursors[user_id] = entry["head"]
    return entry


def _tell_rooms(
    page: Page,
    user_id: UUID,
    cursors: Mapping[UUID, int],
    position: Position,
    trusted: bool,
    limit: int,
    inbox: int,
) -> Position | None:
    """The rooms' entries; where the next page begins, or None at the end."""
    if position.room is not None and position.after is not None:
        cursors = {**cursors, position.room: position.after}
    chosen, further = choose(look(user_id, cursors, position.room, trusted), limit)
    events = _read_events(chosen)
    described = describe_rooms(user_id, [lack.room for lack in chosen if lack.needs_room])
    for lack in chosen:
        stop = _tell_room(page, lack, events.get(lack.room, []), described.get(lack.room))
        if stop is not None:
            return Position(position.epoch, inbox, True, lack.room, stop[0])
    return Position(position.epoch, inbox, True, further) if further else None


def _read_events(lacks: Sequence[Lack]) -> dict[UUID, list[Event]]:
    """The missing events of all these rooms, by room and in order, in one query of one index range each."""
    ranges = Q()
    for lack in lacks:
        for first, last in lack.spans:
            ranges |= Q(stream=lack.room, seq__gte=first, seq__lte=last)
    found: dict[UUID, list[Event]] = {}
    for event in Event.objects.filter(ranges).order_by("stream", "seq") if ranges else ():
        found.setdefault(event.stream, []).append(event)
    return found


def _tell_room(
    page: Page, lack: Lack, events: Sequence[Event], described: Mapping[str, Any] | None
) -> tuple[int | None] | None:
    """Add the room's entry. If it does not fit whole: the seq that it tells, or (None,) for nothing of it."""
    if lack.gone is not None:
        return _tell_gone(page, lack.room, *lack.gone)
    if lack.needs_room:
        return _tell_whole(page, lack, described)
    if lack.spans:
        return _tell_events(page, lack, events)
    page.cursors[lack.room] = lack.head
    return None


def _tell_gone(page: Page, room: UUID, reason: str, seq: int) -> tuple[None] | None:
    if not page.take(_ENTRY_BYTES):
        return (None,)
    page.removed.append({"id": room, "reason": reason, "seq": seq})
    return None


def _tell_whole(page: Page, lack: Lack, described: Mapping[str, Any] | None) -> tuple[None] | None:
    # Gone since the memberships were read: the inbox tells it, which was read before them.
    if described is None or described["me"]["state"] != State.JOINED:
        return None
    room = strict_json.dumps(described)
    if not page.take(_ENTRY_BYTES + len(room)):
        return (None,)
    # The Room is of a later moment than the memberships: the device goes on from there.
    head = described["head"]
    limited = {"from": lack.limited_from, "to": head} if lack.limited_from else None
    page.rooms.append(_entry(lack, head, limited=limited, room=orjson.Fragment(room)))
    page.cursors[lack.room] = head
    return None


def _tell_events(page: Page, lack: Lack, events: Sequence[Event]) -> tuple[int | None] | None:
    told = page.take_events(events)
    if not told:
        return (None,)
    if len(told) == len(events) and not lack.cut:
        page.rooms.append(_entry(lack, lack.head, events=told))
        page.cursors[lack.room] = lack.head
        return None
    last = events[len(told) - 1].seq
    page.rooms.append(_entry(lack, last, events=told))
    return (last,)


def _entry(lack: Lack, head: int, **parts: object) -> dict[str, Any]:
    return {"id": lack.room, "head": head, "events": [], "limited": None, "reset": lack.reset, "room": None, **parts}


def _encode(position: Position) -> str:
    return base64.urlsafe_b64encode(strict_json.dumps(list(position))).decode()


def _decode(token: str) -> Position:
    """The position, or Problem request.invalid. A forged one only moves its sender within what is theirs."""
    try:
        epoch, inbox, done, room, after = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        if not all(type(seq) is int and 0 <= seq <= MAX_SEQ for seq in (epoch, inbox, after or 0)):
            raise ValueError(token)
        return Position(epoch, inbox, done is True, UUID(room) if room else None, after)
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid("next", "invalid", "This is not what a sync answered.") from error
