"""The difference between a device and its streams, computed from its cursors, membership periods and heads alone.

The log has no holes, so how many events somebody lacks is arithmetic; the log itself is read later, and once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery, UUIDField

from api.models import Member, MembershipPeriod, StreamHead
from api.models.choices import History, State
from api.models.members import FOR_EVER, SeqRange
from api.serializers.sync import EVENTS
from wire.compiled_query import CompiledQuery, list_param

# Entries of one page. The queries of a page are as many for one as for all; this bounds how large they get.
ENTRIES = 200

_WHOLE: Sequence[SeqRange] = [(1, FOR_EVER)]


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
    partly = {row.room for row in rows if row.history == History.SINCE_JOINED and row.room in named}
    stays = MembershipPeriod.objects.filter(user_id__in=users, room_id__in=partly).ranges() if partly else {}
    of_user: dict[UUID, list[_Row]] = {}
    for row in rows:
        of_user.setdefault(row.user, []).append(row)
    return [list(_compare_all(each, of_user.get(each.user_id, []), stays)) for each in standpoints]


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
    heads = StreamHead.objects.filter(stream=OuterRef("room_id")).values("last_seq")
    is_told = Q(state=State.JOINED) | Q(room_id__in=list_param("named", UUIDField()))
    return (
        Member.objects.filter(is_told, user_id__in=list_param("users", UUIDField()))
        .annotate(head=Subquery(heads))
        .order_by("-room_id")
        .values_list("user_id", "room_id", "state", "left_seq", "room__history", "head")
    )


_find_memberships = CompiledQuery(_build_memberships)


def _compare_all(
    device: ClientState, rows: Sequence[_Row], stays: Mapping[tuple[UUID, UUID], Sequence[SeqRange]]
) -> Iterator[StreamDelta]:
    for row in rows:
        cursor = device.cursors.get(row.room)
        if device.last is not None and row.room > device.last:
            continue
        if row.left_seq is None:
            visible = stays.get((row.room, row.user), ()) if row.history == History.SINCE_JOINED else _WHOLE
            yield compare(row.room, row.head, cursor, device.is_trusted, visible)
        elif cursor is not None:
            yield StreamDelta(row.room, row.head, gone=(row.state, row.left_seq))


def compare(
    stream: UUID, head: int, cursor: int | None, is_trusted: bool, visible: Sequence[SeqRange] = _WHOLE
) -> StreamDelta:
    """Compare a cursor with a stream of which the device's owner may see these ranges."""
    if cursor is None:
        return StreamDelta(stream, head, needs_room=True)
    if cursor > head or not is_trusted:
        return StreamDelta(stream, head, needs_room=True, reset=True)
    missing = [(max(first, cursor + 1), min(last, head)) for first, last in visible]
    missing = [(first, last) for first, last in missing if first <= last]
    if _count(missing) > EVENTS:
        return StreamDelta(stream, head, needs_room=True, limited_from=missing[0][0])
    return StreamDelta(stream, head, spans=missing)


def _count(spans: Sequence[SeqRange]) -> int:
    """The number of events in these ranges; the log has no gaps, so no query is needed."""
    return sum(last - first + 1 for first, last in spans)


def choose(lacks: Sequence[StreamDelta], limit: int) -> tuple[list[StreamDelta], UUID | None]:
    """The first of them, of at most `limit` events and ENTRIES entries; and the room that the next page begins with."""
    chosen: list[StreamDelta] = []
    entries = 0
    for lack in lacks:
        if entries == ENTRIES or (lack.spans and limit == 0):
            return chosen, lack.stream
        entries += not lack.is_silent
        if _count(lack.spans) > limit:
            lack.spans, lack.cut = list(_first(lack.spans, limit)), True
        limit -= _count(lack.spans)
        chosen.append(lack)
        if lack.cut:
            return chosen, lack.stream
    return chosen, None


def _first(spans: Sequence[SeqRange], count: int) -> Iterator[SeqRange]:
    for first, last in spans:
        if count <= 0:
            return
        yield first, min(last, first + count - 1)
        count -= last - first + 1
