"""Coming back after three seconds or three weeks: one answer to everything that a device has missed (design section 7).

The inbox is told first, then the rooms by id, descending. What does not fit is left to the next page: a page may end
within a room, whose entry then names as `head` how far it tells. Nothing is ever left out without saying so.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.models import Event
from api.models.choices import State
from api.models.log import Events
from api.serializers.messages import MAX_SEQ
from api.serializers.sync import EVENTS
from api.services.messages.history import stream_heads
from api.services.rooms.summaries import Summaries, summarize_rooms
from api.services.sync.plan import ClientState, StreamDelta, choose, compare, look
from wire import strict_json
from wire.budget import ANSWER_BYTES, UNBOUNDED
from wire.problems import Problem, invalid

_TURNS = 4  # queries of the log for devices that lack much of it, and not the same; who comes later goes alone
Place = tuple[UUID, int]  # a stream and a seq
_ENTRY_BYTES = 200  # what surrounds the events or the Room of an entry


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """A device that comes back: whose it is, what it has, and the page that it asks for."""

    user_id: UUID
    rooms: Mapping[UUID, int] = field(default_factory=dict)
    inbox: int | None = None
    epoch: int | None = None
    limit: int = EVENTS
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SyncResult:
    """An answer, and for the socket that goes on from it: by stream, the seq up to which it has told everything."""

    data: dict[str, Any]
    cursors: dict[UUID, int]


class Position(NamedTuple):
    """The beginning of the next page: how much of the inbox is answered, and the room and seq to go on with."""

    epoch: int
    inbox: int | None = None
    inbox_done: bool = False
    room: UUID | None = None
    after: int | None = None


@dataclass(slots=True)
class Page:
    """The answer to one device as it grows, and how much more of it there may be."""

    device: SyncRequest
    position: Position
    epoch: int  # of the log
    max_bytes: int
    is_alone: bool  # else what one of the others reads may leave too little of the budget for it
    lacks: Sequence[StreamDelta] = ()  # what is told next: of the inbox, then of the rooms
    further: UUID | None = None  # the room after them
    put_off: bool = False
    inbox: dict[str, Any] = field(default_factory=dict)
    rooms: list[dict[str, Any]] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    following: Position | None = None
    cursors: dict[UUID, int] = field(default_factory=dict)
    size: int = 0

    @property
    def standpoint(self) -> ClientState:
        """The cursors with which this page compares rooms."""
        position, cursors = self.position, self.device.rooms
        if position.room is not None and position.after is not None:
            cursors = {**cursors, position.room: position.after}
        return ClientState(self.device.user_id, cursors, position.room, position.epoch == self.epoch)

    @property
    def left(self) -> int:
        """The bytes that still fit."""
        return max(1, self.max_bytes - self.size)

    def take(self, size: int) -> bool:
        """Reserve space for something of this size, if it fits; the first thing always does, so that every page leads
        on."""
        if self.size and self.size + size > self.max_bytes:
            return False
        self.size += size
        return True

    def take_events(self, lack: StreamDelta, events: Events) -> tuple[list[orjson.Fragment], int]:
        """Take as many of the missing events as fit; return them and the seq up to which they are complete."""
        found = events.get(lack.stream, {})
        taken: list[orjson.Fragment] = []
        around, last = _ENTRY_BYTES, lack.before
        for seq in lack.seqs():
            if seq not in found:
                continue
            event = found[seq]
            if event is None:
                self.put_off = not self.is_alone
                return taken, last
            if not self.take(around + len(event) + 1):
                return taken, last
            taken.append(orjson.Fragment(event))
            around, last = 0, seq
        return taken, last if lack.cut else lack.head

    def finished(self) -> SyncResult | None:
        """The answer for the device; None when it was deferred."""
        if self.put_off:
            return None
        following = _encode(self.following) if self.following else None
        data = {"rooms": self.rooms, "removed": self.removed, "inbox": self.inbox, "epoch": self.epoch}
        return SyncResult({**data, "next": following}, self.cursors)


def sync(device: SyncRequest, max_bytes: int | None = None) -> SyncResult:
    """The answer to one device, in about `max_bytes`. Raises Problem request.invalid for a `next` that is not ours."""
    [answer] = sync_all([device], max_bytes)
    if isinstance(answer, Problem):
        raise answer
    assert answer is not None  # only one of several is asked to come alone
    return answer


def sync_all(devices: Sequence[SyncRequest], max_bytes: int | None = None) -> list[SyncResult | Problem | None]:
    """For each device the page of its answer that begins at its `next`, by as many queries for all as for one.

    A `next` that is not ours is a Problem for its device alone. None is for one of several that shall ask again, alone:
    it lacks whole Rooms, which are others for every viewer and take long, or more events than are read for all. No
    more bytes are read than an answer may have, and a little for each device.

    The inboxes' heads are read first, then the memberships with the heads of their rooms, then the rooms: whatever
    happens in between is told again by a stream that was read before it, never lost.
    """
    epoch, heads = stream_heads({device.user_id for device in devices})
    budget, is_alone = UNBOUNDED if max_bytes is None else max_bytes, len(devices) == 1
    answers = [_begin(device, epoch, heads.get(device.user_id, 0), budget, is_alone) for device in devices]
    pages = [answer for answer in answers if isinstance(answer, Page)]
    for page, events in _with_events(pages):
        _tell_inbox(page, events)
    going_on = [page for page in pages if page.following is None and not page.put_off]
    for page, lacks in zip(going_on, look([page.standpoint for page in going_on]), strict=True):
        page.lacks, page.further = choose(lacks, page.device.limit - len(page.inbox["events"]))
        page.put_off = not is_alone and any(lack.needs_room for lack in page.lacks)
    for page, events in _with_events([page for page in going_on if not page.put_off]):
        _tell_rooms(page, events)
    return [answer.finished() if isinstance(answer, Page) else answer for answer in answers]


def _begin(device: SyncRequest, epoch: int, head: int, max_bytes: int, is_alone: bool) -> Page | Problem:
    """The page with nothing on it, and what the device lacks of its inbox."""
    try:
        position = _decode(device.next) if device.next else Position(epoch if device.epoch is None else device.epoch)
    except Problem as problem:
        return problem
    cursor = device.inbox if position.inbox is None else position.inbox
    lack = compare(device.user_id, head, cursor, position.epoch == epoch)
    if position.inbox_done and cursor is not None and not lack.reset:
        lack = StreamDelta(device.user_id, cursor)  # told whole: it stays there, and its live stream goes on from there
    return Page(device, position, epoch, max_bytes, is_alone, choose([lack], device.limit)[0])


def _with_events(pages: Sequence[Page]) -> Iterator[tuple[Page, Events]]:
    """Each page with what it lacks of the log, and perhaps with what others lack; the last may be put off."""
    for turn, (part, places) in enumerate(_parts(pages)):
        budget = max((page.left if page.is_alone else max(page.max_bytes, ANSWER_BYTES) for page in part), default=0)
        events = Event.objects.at(places, budget) if turn < _TURNS else None
        for page in part:
            page.put_off = events is None
            if events is not None:
                yield page, events


def _parts(pages: Sequence[Page]) -> Iterator[tuple[list[Page], dict[Place, int]]]:
    """Pages that are read for together: however many there are, no more events are held than one page may tell.

    The events go by how early a page needs them, so that each gets its first ones whatever the others lack.
    """
    part: list[Page] = []
    places: dict[Place, int] = {}
    for page in pages:
        lacked = list(_places(page.lacks))
        if part and len(places) + sum(place not in places for place in lacked) > EVENTS:
            yield part, places
            part, places = [], {}
        part.append(page)
        for turn, place in enumerate(lacked):
            places[place] = min(turn, places.get(place, turn))
    yield part, places


def _places(lacks: Sequence[StreamDelta]) -> Iterator[Place]:
    return ((lack.stream, seq) for lack in lacks for seq in lack.seqs())


def _tell_inbox(page: Page, events: Events) -> None:
    """The inbox's entry, and where the next page begins if this one ends within it."""
    [lack] = page.lacks
    told, head = page.take_events(lack, events)
    limited = {"from": lack.limited_from, "to": head} if lack.limited_from else None
    page.inbox = {"head": head, "events": told, "limited": limited, "reset": lack.reset}
    if head == lack.head:
        page.cursors[lack.stream] = head
    else:
        page.following = Position(page.position.epoch, head)


def _tell_rooms(page: Page, events: Events) -> None:
    """The rooms' entries; where the next page begins, unless this is the end."""
    needed = [lack.stream for lack in page.lacks if lack.needs_room]
    described = summarize_rooms(page.device.user_id, needed, page.left) if needed else {}
    begin = Position(page.position.epoch, page.inbox["head"], True)
    for lack in page.lacks:
        stop = _tell_room(page, lack, events, described)
        if stop is not None:
            page.following = begin._replace(room=lack.stream, after=stop[0])
            return
    if page.further:
        page.following = begin._replace(room=page.further)


def _tell_room(page: Page, lack: StreamDelta, events: Events, described: Summaries) -> tuple[int | None] | None:
    """Add the room's entry. If it does not fit whole: the seq that it tells, or (None,) for nothing of it."""
    if lack.gone is not None:
        return _tell_gone(page, lack.stream, *lack.gone)
    if lack.needs_room:
        return _tell_whole(page, lack, described)
    if lack.spans:
        return _tell_events(page, lack, events)
    page.cursors[lack.stream] = lack.head
    return None


def _tell_gone(page: Page, room: UUID, reason: str, seq: int) -> tuple[None] | None:
    if not page.take(_ENTRY_BYTES):
        return (None,)
    page.removed.append({"id": room, "reason": reason, "seq": seq})
    return None


def _tell_whole(page: Page, lack: StreamDelta, described: Summaries) -> tuple[None] | None:
    # Gone since the memberships were read: the inbox tells it, which was read before them.
    if lack.stream not in described:
        return None
    whole = described[lack.stream]
    if whole is None:  # beyond what was read
        return (None,)
    if whole["me"]["state"] != State.JOINED:
        return None
    room = strict_json.dumps(whole)
    if not page.take(_ENTRY_BYTES + len(room)):
        return (None,)
    # The Room is of a later moment than the memberships: the device goes on from there.
    head = whole["head"]
    limited = {"from": lack.limited_from, "to": head} if lack.limited_from else None
    page.rooms.append(_entry(lack, head, limited=limited, room=orjson.Fragment(room)))
    page.cursors[lack.stream] = head
    return None


def _tell_events(page: Page, lack: StreamDelta, events: Events) -> tuple[int | None] | None:
    told, head = page.take_events(lack, events)
    if not told:
        return (None,)
    page.rooms.append(_entry(lack, head, events=told))
    if head != lack.head:
        return (head,)
    page.cursors[lack.stream] = head
    return None


def _entry(lack: StreamDelta, head: int, **parts: object) -> dict[str, Any]:
    return {"id": lack.stream, "head": head, "events": [], "limited": None, "reset": lack.reset, "room": None, **parts}


def _encode(position: Position) -> str:
    return base64.urlsafe_b64encode(strict_json.dumps(list(position))).decode()


def _decode(token: str) -> Position:
    """The position, or Problem request.invalid. A forged one only moves its sender within what is theirs."""
    try:
        epoch, inbox, done, room, after = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        if not all(type(seq) is int and 0 <= seq <= MAX_SEQ for seq in (epoch, inbox, 0 if after is None else after)):
            raise ValueError(token)
        return Position(epoch, inbox, done is True, UUID(room) if room else None, after)
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid("next", "invalid", "This is not what a sync answered.") from error
