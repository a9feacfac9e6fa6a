"""The difference between a device and its streams, computed from its cursors, membership periods and heads alone.

The log has no holes, so how many events somebody lacks is arithmetic; the log itself is read later, and once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, UUIDField

from api.models import Member
from api.models.members import State
from api.models.visibility import visible_ranges
from api.seq_ranges import EVERYTHING, SeqRange, count, missing, take_first
from api.serializers.sync import EVENTS
from eventlog.models import StreamHead
from wire.compiled_query import CompiledQuery, list_param

# Entries of one page. The queries of a page are as many for one as for all; this bounds how large they get.
ENTRIES = 200


@dataclass(slots=True)
class StreamDelta:
    """The difference of one room or inbox, from membership and head; the log is not read yet."""

    stream: UUID
    head: int
    spans: list[SeqRange] = field(default_factory=list)
    gone: tuple[str, int] | None = None
    limited_from: int | None = None
    reset: bool = False
    needs_room: bool = False
    cut: bool = False  # the events of this page end within the spans of this stream

    @property
    def is_silent(self) -> bool:
        """Return whether the device lacks nothing."""
        return not (self.spans or self.gone or self.needs_room)

    @property
    def before(self) -> int:
        """The seq before the first event that is missing."""
        return self.spans[0][0] - 1 if self.spans else self.head

    def seqs(self) -> Iterator[int]:
        """Those that are lacked."""
        for first, last in self.spans:
            yield from range(first, last + 1)


class ClientState(NamedTuple):
    """The cursors of a device, and whether their epoch is the log's."""

    user_id: UUID
    cursors: Mapping[UUID, int]
    last: UUID | None  # the room that the page begins with
    is_trusted: bool


def look(standpoints: Sequence[ClientState]) -> list[list[StreamDelta]]:
    """The difference of each room for each device, by id, descending, from `last` on: two queries for all of them.

    Of the rooms that the user has left only those are told that the device names. Without trust in its cursors (they
    are of another epoch) each of them is reset.
    """
    if not standpoints:
        return []
    users, named = {each.user_id for each in standpoints}, {room for each in standpoints for room in each.cursors}
    rows = [_Row(*row) for row in _find_memberships(users=users, named=named)]
    visible = visible_ranges({(row.room, row.user): row.history for row in rows if row.room in named})
    of_user: dict[UUID, list[_Row]] = {}
    for row in rows:
        of_user.setdefault(row.user, []).append(row)
    return [list(_compare_all(each, of_user.get(each.user_id, []), visible)) for each in standpoints]


class _Row(NamedTuple):
    """A membership, with the head of the room at the same moment."""

    user: UUID
    room: UUID
    state: str
    left_seq: int | None
    history: str
    head: int


def _build_memberships() -> QuerySet[Member, tuple[Any, ...]]:
    """Newest room first. One statement reads the memberships and the heads, so that they are of one moment."""
    is_told = Q(state=State.JOINED) | Q(room_id__in=list_param("named", UUIDField()))
    return (
        Member.objects.filter(is_told, user_id__in=list_param("users", UUIDField()))
        .annotate(head=StreamHead.last_seq_of(OuterRef("room_id")))
        .order_by("-room_id")
        .values_list("user_id", "room_id", "state", "left_seq", "room__history", "head")
    )


_find_memberships = CompiledQuery(_build_memberships)


def _compare_all(
    device: ClientState, rows: Sequence[_Row], visible: Mapping[tuple[UUID, UUID], Sequence[SeqRange]]
) -> Iterator[StreamDelta]:
    for row in rows:
        cursor = device.cursors.get(row.room)
        if device.last is not None and row.room > device.last:
            continue
        if row.left_seq is None:
            yield compare(row.room, row.head, cursor, device.is_trusted, visible.get((row.room, row.user), ()))
        elif cursor is not None:
            yield StreamDelta(row.room, row.head, gone=(row.state, row.left_seq))


def compare(
    stream: UUID, head: int, cursor: int | None, is_trusted: bool, visible: Sequence[SeqRange] = EVERYTHING
) -> StreamDelta:
    """Compare a cursor with a stream of which the device's owner may see these ranges."""
    if cursor is None:
        return StreamDelta(stream, head, needs_room=True)
    if cursor > head or not is_trusted:
        return StreamDelta(stream, head, needs_room=True, reset=True)
    ranges = missing(visible, cursor, head)
    if count(ranges) > EVENTS:
        return StreamDelta(stream, head, needs_room=True, limited_from=ranges[0][0])
    return StreamDelta(stream, head, spans=ranges)


def choose(lacks: Sequence[StreamDelta], limit: int) -> tuple[list[StreamDelta], UUID | None]:
    """The first of them, of at most `limit` events and ENTRIES entries; and the room that the next page begins with."""
    chosen: list[StreamDelta] = []
    entries = 0
    for lack in lacks:
        if entries == ENTRIES or (lack.spans and limit == 0):
            return chosen, lack.stream
        entries += not lack.is_silent
        if count(lack.spans) > limit:
            lack.spans, lack.cut = list(take_first(lack.spans, limit)), True
        limit -= count(lack.spans)
        chosen.append(lack)
        if lack.cut:
            return chosen, lack.stream
    return chosen, None
