"""Sync: one answer with everything that a device has missed, after three seconds or three weeks.

The answer begins with the inbox; the rooms follow by id, descending. The rest is on the next page. A page may
end within a room: then the `head` of the room's entry is the last seq that the entry contains. Nothing is omitted
without a mark.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.models.choices import State
from api.seq_ranges import count
from api.serializers.messages import MAX_SEQ
from api.serializers.stubs import hide_event
from api.serializers.sync import EVENTS
from api.services.blocks import read_block_states
from api.services.rooms.summaries import Summaries, summarize_rooms
from api.services.sync.plan import ClientState, Slice, StreamDelta, compare, paginate, plan_rooms
from api.services.sync.reads import MAX_READS, LogRead, ranges_of
from eventlog.heads import read_heads
from eventlog.ranges import Events
from wire import strict_json
from wire.budget import ANSWER_BYTES, UNBOUNDED
from wire.problems import Problem, invalid

_ENTRY_BYTES = 200  # of an entry, beside its events or its Room


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """The cursors of a device, and the page that it requests."""

    user_id: UUID
    rooms: Mapping[UUID, int] = field(default_factory=dict)
    inbox: int | None = None
    epoch: int | None = None
    limit: int = EVENTS
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SyncPage:
    """One page, and for each stream that it completes the seq from which a subscription continues."""

    data: dict[str, Any]
    cursors: dict[UUID, int] = field(default_factory=dict)

    @property
    def has_changes(self) -> bool:
        """Return whether the page has a room, a removal or an event of the inbox, or a mark that it left some out."""
        inbox, data = self.data["inbox"], self.data
        marks = (inbox["events"], inbox["limited"], inbox["reset"], data["next"])
        return bool(data["rooms"] or data["removed"] or any(marks))


class Position(NamedTuple):
    """The beginning of a page, which `next` encodes."""

    epoch: int
    inbox: int | None = None  # the cursor of the inbox; None: that of the request
    inbox_done: bool = False
    room: UUID | None = None  # the first room; None: the newest
    after: int | None = None  # its cursor; None: that of the request

    def encode(self) -> str:
        """Encode the position as `next`."""
        return base64.urlsafe_b64encode(strict_json.dumps(list(self))).decode()

    @classmethod
    def decode(cls, token: str) -> "Position":
        """Decode `next`. Raises Problem request.invalid.

        The token is not signed: a forged one only changes which of the sender's own events the sender gets.
        """
        try:
            epoch, inbox, done, room, after = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
            seqs = (epoch, inbox, 0 if after is None else after)
            if not all(type(seq) is int and 0 <= seq <= MAX_SEQ for seq in seqs):
                raise ValueError(token)
            return cls(epoch, inbox, done is True, UUID(room) if room else None, after)
        except (ValueError, TypeError, AttributeError) as error:
            raise invalid("next", "invalid", "This is not the `next` of a sync.") from error


class Cut(NamedTuple):
    """The end of a page before the last room: the next page begins with this room, after this seq."""

    room: UUID
    after: int | None = None  # None: nothing of the room is on this page


class Taken(NamedTuple):
    """The events of an entry, with commas between them, and the seq up to which they are complete."""

    json: bytes
    number: int
    head: int

    @property
    def events(self) -> "orjson.Fragment | list[Any]":
        """The events as a list."""
        return orjson.Fragment(b"[%b]" % self.json) if self.number else []


@dataclass(slots=True)
class Page:
    """A page while it is filled, within a number of bytes."""

    request: SyncRequest
    position: Position
    epoch: int  # of the log
    max_bytes: int
    is_alone: bool  # no other request shares the reads, and their budget
    result: SyncPage
    size: int = 0
    inbox_events: int = 0
    must_retry: bool = False
    blocked: frozenset[str] = frozenset()  # the users whose messages are stubs for this device

    @property
    def state(self) -> ClientState:
        """Return the cursors with which this page compares rooms."""
        position, cursors = self.position, self.request.rooms
        if position.room is not None and position.after is not None:
            cursors = {**cursors, position.room: position.after}
        return ClientState(self.request.user_id, cursors, position.room, position.epoch == self.epoch)

    @property
    def is_unfinished(self) -> bool:
        """Return whether there is space for entries after those that the page has."""
        return not self.must_retry and self.result.data["next"] is None

    @property
    def bytes_left(self) -> int:
        """Return the number of bytes that still fit."""
        return max(1, self.max_bytes - self.size)

    def reserve(self, size: int) -> bool:
        """Reserve bytes if they fit. The first reservation always succeeds, so that every page makes progress."""
        if self.size and self.size + size > self.max_bytes:
            return False
        self.size += size
        return True

    def take_events(self, delta: StreamDelta, events: Events) -> "Taken":
        """Take the missing events that fit."""
        end = delta.missing[-1][1] if delta.is_cut else delta.head
        whole = None if self.blocked else events.join(delta.stream, delta.missing)
        if whole is not None and self.size + _ENTRY_BYTES + len(whole) + 1 <= self.max_bytes:
            self.size += (_ENTRY_BYTES + len(whole) + 1) if whole else 0
            return Taken(whole, count(delta.missing), end)
        found = events.of(delta.stream)
        taken: list[bytes] = []
        overhead, complete_to = _ENTRY_BYTES, delta.start
        for seq in delta.seqs():
            if seq not in found:
                continue
            event = found[seq]
            if event is None:  # other requests have used up the bytes of the read
                self.must_retry = not self.is_alone
                break
            event = hide_event(event, self.blocked)
            if not self.reserve(overhead + len(event) + 1):
                break
            taken.append(event)
            overhead, complete_to = 0, seq
        else:
            complete_to = end
        return Taken(b",".join(taken), len(taken), complete_to)

    def end_at(self, position: Position) -> None:
        """End the page here: the next one begins at this position."""
        self.result.data["next"] = position.encode()

    @property
    def answer(self) -> SyncPage | None:
        """Return the page for the device; None if its request must be retried alone."""
        return None if self.must_retry else self.result


def sync(request: SyncRequest, max_bytes: int | None = None) -> SyncPage:
    """Answer one device, in about `max_bytes`. Raises Problem request.invalid for a forged `next`."""
    [answer] = sync_all([request], max_bytes)
    if isinstance(answer, Problem):
        raise answer
    assert answer is not None  # only requests that share their reads must retry
    return answer


def sync_all(requests: Sequence[SyncRequest], max_bytes: int | None = None) -> list[SyncPage | Problem | None]:
    """Answer each device with the page at its `next`, in as many queries for all devices as for one.

    The answer is a Problem for a forged `next`, and None for one of several requests that must be retried alone: it
    needs Rooms, which depend on the viewer and are slow to read, or more events than are read for all. The bytes that
    are read are bounded by the size of one answer and a little for each device.

    The heads of the inboxes are read first, then the memberships with the heads of their rooms, then the rooms. A
    change in between is therefore in a stream that was read before it, and arrives later: nothing is lost.
    """
    epoch, heads = read_heads({request.user_id for request in requests})
    budget, is_alone = UNBOUNDED if max_bytes is None else max_bytes, len(requests) == 1
    begun = [_begin_page(request, epoch, budget, is_alone) for request in requests]
    pages = [page for page in begun if isinstance(page, Page)]
    inboxes = [(page, _plan_inbox(page, heads.get(str(page.request.user_id), 0))) for page in pages]
    for page, part, events in _with_events(inboxes):
        _add_inbox(page, part, events)
    pages = [page for page in pages if page.is_unfinished]
    rooms = []
    plans, blockers = plan_rooms([page.state for page in pages])
    blocks = read_block_states(blockers) if blockers else {}
    for page, deltas in zip(pages, plans, strict=True):
        if page.request.user_id in blocks:
            page.blocked = blocks[page.request.user_id].ids
        part = paginate(deltas, page.request.limit - page.inbox_events)
        page.must_retry = not is_alone and any(delta.needs_room for delta in part.deltas)
        if not page.must_retry:
            rooms.append((page, part))
    for page, part, events in _with_events(rooms):
        _add_rooms(page, part, events)
    return [each.answer if isinstance(each, Page) else each for each in begun]


def _begin_page(request: SyncRequest, epoch: int, max_bytes: int, is_alone: bool) -> Page | Problem:
    position = Position(epoch if request.epoch is None else request.epoch)
    if request.next:
        try:
            position = Position.decode(request.next)
        except Problem as problem:
            return problem
    result = SyncPage({"rooms": [], "removed": [], "inbox": {}, "epoch": epoch, "next": None})
    return Page(request, position, epoch, max_bytes, is_alone, result)


def _plan_inbox(page: Page, head: int) -> Slice:
    user_id, position = page.request.user_id, page.position
    cursor = page.request.inbox if position.inbox is None else position.inbox
    delta = compare(user_id, head, cursor, position.epoch == page.epoch)
    if position.inbox_done and cursor is not None and not delta.reset:
        # An earlier page completed the inbox. It keeps that head, and the live stream continues from there.
        delta = StreamDelta(user_id, cursor)
    return paginate([delta], page.request.limit)


def _with_events(parts: Sequence[tuple[Page, Slice]]) -> Iterator[tuple[Page, Slice, Events]]:
    """Yield each page with its slice and the events of it; a page for which no read has space must be retried."""
    reads: dict[LogRead, list[tuple[Page, Slice]]] = {}
    for page, part in parts:
        wanted = ranges_of(part.deltas)
        read = next((read for read in reads if read.add(wanted)), None)
        if read is None and len(reads) == MAX_READS:
            page.must_retry = True
            continue
        if read is None:
            read = LogRead()
            read.add(wanted)
        reads.setdefault(read, []).append((page, part))
    for read, group in reads.items():
        sizes = (page.bytes_left if page.is_alone else max(page.max_bytes, ANSWER_BYTES) for page, _ in group)
        events = read.run(max(sizes))
        for page, part in group:
            yield page, part, events


def _add_inbox(page: Page, part: Slice, events: Events) -> None:
    """Add the inbox's entry. A page that ends within the inbox has no rooms."""
    [delta] = part.deltas
    taken = page.take_events(delta, events)
    head, limited = taken.head, _limited(delta, taken.head)
    page.inbox_events = taken.number
    page.result.data["inbox"] = {"head": head, "events": taken.events, "limited": limited, "reset": delta.reset}
    if head == delta.head:
        page.result.cursors[delta.stream] = head
    else:
        page.end_at(Position(page.position.epoch, head))


def _add_rooms(page: Page, part: Slice, events: Events) -> None:
    """Add the entries of the rooms, as far as they fit."""
    needed = [delta.stream for delta in part.deltas if delta.needs_room]
    summaries = summarize_rooms(page.request.user_id, needed, page.bytes_left) if needed else {}
    cuts = (_add_room(page, delta, events, summaries) for delta in part.deltas)
    cut = next((cut for cut in cuts if cut is not None), None)
    if cut is None and part.next_stream is not None:
        cut = Cut(part.next_stream)
    if cut is not None:
        page.end_at(Position(page.position.epoch, page.result.data["inbox"]["head"], True, cut.room, cut.after))


def _add_room(page: Page, delta: StreamDelta, events: Events, summaries: Summaries) -> Cut | None:
    """Add the entry of a room; return where the page ends, or None if the whole entry fits."""
    if delta.departure is not None:
        if not page.reserve(_ENTRY_BYTES):
            return Cut(delta.stream)
        removed = {"id": delta.stream, "reason": delta.departure.reason, "seq": delta.departure.seq}
        page.result.data["removed"].append(removed)
        return None
    if delta.needs_room:
        return _add_summary(page, delta, summaries)
    if delta.missing:
        return _add_events(page, delta, events)
    page.result.cursors[delta.stream] = delta.head
    return None


def _add_summary(page: Page, delta: StreamDelta, summaries: Summaries) -> Cut | None:
    # A room that has gone since the memberships were read is in the inbox, which was read before them.
    if delta.stream not in summaries:
        return None
    summary = summaries[delta.stream]
    if summary is None:  # beyond the bytes that were read
        return Cut(delta.stream)
    if summary["me"]["state"] != State.JOINED:
        return None
    room = strict_json.dumps(summary)
    if not page.reserve(_ENTRY_BYTES + len(room)):
        return Cut(delta.stream)
    # The Room was read after the memberships: the device continues from its head.
    head = summary["head"]
    page.result.data["rooms"].append(
        _entry(delta, head, limited=_limited(delta, head), room=orjson.Fragment(room)),
    )
    page.result.cursors[delta.stream] = head
    return None


def _add_events(page: Page, delta: StreamDelta, events: Events) -> Cut | None:
    taken = page.take_events(delta, events)
    head = taken.head
    if not taken.number:
        return Cut(delta.stream)
    page.result.data["rooms"].append(_entry(delta, head, events=taken.events))
    if head != delta.head:
        return Cut(delta.stream, head)
    page.result.cursors[delta.stream] = head
    return None


def _entry(delta: StreamDelta, head: int, **parts: object) -> dict[str, Any]:
    """Render the entry of a room, as SyncedRoomSerializer documents it."""
    entry = {"id": delta.stream, "head": head, "events": [], "limited": None, "reset": delta.reset, "room": None}
    return entry | parts


def _limited(delta: StreamDelta, head: int) -> dict[str, int] | None:
    """Render the range of the missing events that are not on the page."""
    return {"from": delta.limited_from, "to": head} if delta.limited_from else None
