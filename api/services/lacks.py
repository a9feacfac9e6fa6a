"""What each room holds for a device that comes back, told from its cursors, its stays and the heads alone.

The log has no holes, so how many events somebody lacks is arithmetic; the log itself is read later, and once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from api.models import Interval, Member, StreamHead
from api.models.members import FOR_EVER, Span, State
from api.models.rooms import History
from api.serializers.sync import EVENTS

# Entries of one page. The queries of a page are as many for one as for all; this bounds how large they get.
ENTRIES = 200


@dataclass(slots=True)
class Lack:
    """What one room holds for the device, as its membership and head say; the log is not read yet."""

    room: UUID
    head: int
    spans: list[Span] = field(default_factory=list)
    gone: tuple[str, int] | None = None
    limited_from: int | None = None
    reset: bool = False
    needs_room: bool = False
    cut: bool = False  # the events of this page end within the spans of this room

    @property
    def is_silent(self) -> bool:
        """Whether the device has it all."""
        return not (self.spans or self.gone or self.needs_room)


def look(user_id: UUID, cursors: Mapping[UUID, int], last: UUID | None, trusted: bool) -> list[Lack]:
    """What each room holds for the device, by id, descending, from `last` on.

    Of the rooms that the user has left only those are told that the device names. Without trust in its cursors (they
    are of another epoch) each of them is reset.
    """
    heads = StreamHead.objects.filter(stream=OuterRef("room_id")).values("last_seq")
    # One statement reads the memberships and the heads, so that they are of one moment.
    members = (
        Member.objects.filter(Q(state=State.JOINED) | Q(room_id__in=list(cursors)), user_id=user_id)
        .annotate(head=Subquery(heads))
        .order_by("-room_id")
        .values_list("room_id", "state", "left_seq", "room__history", "head")
    )
    rows = list(members if last is None else members.filter(room_id__lte=last))
    partly = [row[0] for row in rows if row[3] == History.SINCE_JOINED and row[0] in cursors]
    spans = Interval.objects.filter(user_id=user_id, room_id__in=partly).spans() if partly else {}
    whole = [(1, FOR_EVER)]
    return [
        Lack(room, head, gone=(state, left_seq))
        if left_seq is not None
        else _compare(room, head, cursors.get(room), spans.get((room, user_id), whole), trusted)
        for room, state, left_seq, _, head in rows
    ]


def _compare(room: UUID, head: int, cursor: int | None, visible: Sequence[Span], trusted: bool) -> Lack:
    """What a device with this cursor lacks of a room that its owner is in."""
    if cursor is None:
        return Lack(room, head, needs_room=True)
    if cursor > head or not trusted:
        return Lack(room, head, needs_room=True, reset=True)
    missing = [(max(first, cursor + 1), min(last, head)) for first, last in visible]
    missing = [(first, last) for first, last in missing if first <= last]
    if _count(missing) > EVENTS:
        return Lack(room, head, needs_room=True, limited_from=missing[0][0])
    return Lack(room, head, spans=missing)


def _count(spans: Sequence[Span]) -> int:
    """How many events they hold: the log has no holes, so nobody needs to look."""
    return sum(last - first + 1 for first, last in spans)


def choose(lacks: Sequence[Lack], limit: int) -> tuple[list[Lack], UUID | None]:
    """The first of them, of at most `limit` events and ENTRIES entries; and the room that the next page begins with."""
    chosen: list[Lack] = []
    entries = 0
    for lack in lacks:
        if entries == ENTRIES or (lack.spans and limit == 0):
            return chosen, lack.room
        entries += not lack.is_silent
        if _count(lack.spans) > limit:
            lack.spans, lack.cut = list(_first(lack.spans, limit)), True
        limit -= _count(lack.spans)
        chosen.append(lack)
        if lack.cut:
            return chosen, lack.room
    return chosen, None


def _first(spans: Sequence[Span], count: int) -> Iterator[Span]:
    for first, last in spans:
        if count <= 0:
            return
        yield first, min(last, first + count - 1)
        count -= last - first + 1
