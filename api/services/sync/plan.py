"""The sync plan: what a device is missing of each stream, computed from cursors, membership periods and heads.

Streams have no gaps, so the number of missing events needs no read of the log; the log is read later, once for all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, UUIDField

from api.models import BlockList, Member
from api.models.choices import State
from api.models.visibility import visible_ranges
from api.seq_ranges import EVERYTHING, SeqRange, count, missing, take_first
from api.serializers.sync import EVENTS
from eventlog.models import StreamHead
from wire.compiled_query import CompiledQuery, list_param

# Entries of one page. A page takes as many queries for one entry as for all; this bounds the size of the queries.
ENTRIES = 200


class Departure(NamedTuple):
    """The end of the user's membership of a room, and the seq of its event."""

    reason: str
    seq: int


@dataclass(slots=True)
class StreamDelta:
    """The difference between a device and one room or inbox."""

    stream: UUID
    head: int
    missing: list[SeqRange] = field(default_factory=list)  # the events to send
    departure: Departure | None = None  # instead of events: the user is no longer a member
    needs_room: bool = False  # instead of events: the device gets the whole Room
    limited_from: int | None = None  # the first seq of more than EVENTS missing events, which are not sent
    reset: bool = False  # the device's cursor belongs to another epoch
    is_cut: bool = False  # `missing` is not all that is missing: the page ends within it

    @property
    def is_empty(self) -> bool:
        """Return whether the device has the whole stream already."""
        return not (self.missing or self.departure or self.needs_room)

    @property
    def start(self) -> int:
        """Return the seq before the first missing event."""
        return self.missing[0][0] - 1 if self.missing else self.head

    def seqs(self) -> Iterator[int]:
        """Yield the seqs of the missing events."""
        for first, last in self.missing:
            yield from range(first, last + 1)


class ClientState(NamedTuple):
    """The state of a device: its cursors of rooms, and whether their epoch is current."""

    user_id: UUID
    cursors: Mapping[UUID, int]
    first_room: UUID | None  # where the page begins; ids descend from here
    is_current: bool


class Slice(NamedTuple):
    """The deltas of one page, and the stream with which the next page begins; None at the end."""

    deltas: Sequence[StreamDelta]
    next_stream: UUID | None


def plan_rooms(states: Sequence[ClientState]) -> tuple[list[list[StreamDelta]], set[UUID]]:
    """Compute for each device the delta of each room, by id, descending: two queries for all devices.

    Of the rooms that the user has left, only those for which the device has a cursor are included. Also return the
    users who block others.
    """
    if not states:
        return [], set()
    users, known = {state.user_id for state in states}, {room for state in states for room in state.cursors}
    rows = [_Row(*row) for row in _find_memberships(users=users, known=known)]
    visible = visible_ranges({(row.room, row.user): row.history for row in rows if row.room in known})
    by_user: dict[UUID, list[_Row]] = {}
    for row in rows:
        by_user.setdefault(row.user, []).append(row)
    deltas = [list(_compare_rooms(state, by_user.get(state.user_id, []), visible)) for state in states]
    return deltas, {row.user for row in rows if row.blocks}


class _Row(NamedTuple):
    """A membership, with the head of the room at the same moment."""

    user: UUID
    room: UUID
    state: str
    left_seq: int | None
    history: str
    head: int
    blocks: int | None  # of the user


def _memberships() -> QuerySet[Member, tuple[Any, ...]]:
    """Read the memberships and the heads in one statement, so that they are consistent; newest room first."""
    is_relevant = Q(state=State.JOINED) | Q(room_id__any_of=list_param("known", UUIDField()))
    return (
        Member.objects.filter(is_relevant, user_id__any_of=list_param("users", UUIDField()))
        .annotate(head=StreamHead.last_seq_of(OuterRef("room_id")))
        .annotate(blocks=BlockList.size_of(OuterRef("user_id")))
        .order_by("-room_id")
        .values_list("user_id", "room_id", "state", "left_seq", "room__history", "head", "blocks")
    )


_find_memberships = CompiledQuery(_memberships)


def _compare_rooms(
    state: ClientState, rows: Sequence[_Row], visible: Mapping[tuple[UUID, UUID], Sequence[SeqRange]]
) -> Iterator[StreamDelta]:
    for row in rows:
        cursor = state.cursors.get(row.room)
        if state.first_room is not None and row.room > state.first_room:
            continue
        if row.left_seq is None:
            yield compare(row.room, row.head, cursor, state.is_current, visible.get((row.room, row.user), ()))
        elif cursor is not None:
            yield StreamDelta(row.room, row.head, departure=Departure(row.state, row.left_seq))


def compare(
    stream: UUID, head: int, cursor: int | None, is_current: bool, visible: Sequence[SeqRange] = EVERYTHING
) -> StreamDelta:
    """Compute the delta of a stream of which the user may see these ranges."""
    if cursor is None:
        return StreamDelta(stream, head, needs_room=True)
    if cursor > head or not is_current:
        return StreamDelta(stream, head, needs_room=True, reset=True)
    ranges = missing(visible, cursor, head)
    if count(ranges) > EVENTS:
        return StreamDelta(stream, head, needs_room=True, limited_from=ranges[0][0])
    return StreamDelta(stream, head, ranges)


def paginate(deltas: Iterable[StreamDelta], limit: int) -> Slice:
    """Take the first deltas, of at most `limit` events and ENTRIES entries; the last one may be cut."""
    taken: list[StreamDelta] = []
    entries = 0
    for delta in deltas:
        if entries == ENTRIES or (delta.missing and limit == 0):
            return Slice(taken, delta.stream)
        entries += not delta.is_empty
        if count(delta.missing) > limit:
            delta.missing, delta.is_cut = list(take_first(delta.missing, limit)), True
        limit -= count(delta.missing)
        taken.append(delta)
        if delta.is_cut:
            return Slice(taken, delta.stream)
    return Slice(taken, None)
