"""Read markers: how far each member has read, and what that leaves unread."""

from collections.abc import Iterable
from typing import TypedDict
from uuid import UUID

from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, UUIDField, Value
from django.db.models.lookups import Exact

from accounts.models import Session
from api.events import Log, record_events
from api.models import Member, MembershipPeriod, Message, StreamHead
from api.models.choices import History
from api.services.members.access import find_reader
from wire.compiled_query import CompiledQuery, list_param, param
from wire.problems import FieldError, Problem, define

UNREAD_EXACT = 999  # counted to here; more than this no badge shows
RECEIPTS_UP_TO = 100  # members: in larger rooms, who has read what is noise that grows with the square

define("read.ahead", 400, "The room has not come that far")


class Marker(TypedDict):
    """The answer to a moved read marker, on REST and on the socket."""

    read_seq: int
    unread: int
    unread_capped: bool


def mark_read(*, session: Session, room_id: UUID, seq: int) -> Marker:
    """Everything up to `seq` is read; a marker never moves back by this. Raises Problem read.ahead."""
    with record_events(inboxes=[session.user_id], session=session) as log:
        member, head = _find(session, room_id, seq)
        # The condition is in the update: an own send moves the marker too, under another lock.
        if Member.objects.filter(pk=member.pk, state="joined", read_seq__lt=seq).update(read_seq=seq):
            member.read_seq = seq
            return _record(log, member, head)
    return _look_again(member)


def mark_unread(*, session: Session, room_id: UUID, seq: int) -> Marker:
    """`seq` and all after it is unread again; a marker never moves forward by this. Raises Problem read.ahead."""
    with record_events(inboxes=[session.user_id], session=session) as log:
        member, head = _find(session, room_id, seq)
        if Member.objects.filter(pk=member.pk, state="joined", read_seq__gte=seq).update(read_seq=seq - 1):
            member.read_seq = seq - 1
            return _record(log, member, head)
    return _look_again(member)


def _find(session: Session, room_id: UUID, seq: int) -> tuple[Member, int]:
    """The member, and the room's head as the speaker knows it. Archived rooms can be read to the end."""
    member, head, _ = find_reader(session.user_id, room_id)
    if seq > head:
        detail = f"The room's head is {head}."
        raise Problem("read.ahead", detail, errors=[FieldError("seq", "ahead", detail)])
    return member, head


def _look_again(member: Member) -> Marker:
    """Read the marker once more: another request has just moved it."""
    member.refresh_from_db(fields=["read_seq"])
    unread, capped = unread_counts(member.user_id, [member.room_id]).get(member.room_id, (0, False))
    return {"read_seq": member.read_seq, "unread": unread, "unread_capped": capped}


def _record(log: Log, member: Member, head: int) -> Marker:
    """Write the move to the user's inbox; the other members of a small room are notified, and may miss it.

    An own send moves the marker too, in another stream: the event's `head` tells a device which of the two came last.
    It is read once the member's row is locked: a send up to it came before, and a later one moves the marker again.
    One statement reads it and counts, so that the count is that of this head.
    """
    [(counted, latest)] = _count_at_head(user_id=member.user_id, room_id=member.room_id)
    unread, capped = _cap(counted)
    moved = {"room_id": member.room_id, "user_id": member.user_id, "read_seq": member.read_seq, "head": latest}
    marker: Marker = {"read_seq": member.read_seq, "unread": unread, "unread_capped": capped}
    log.append(member.user_id, "read.updated", member.user_id, moved | marker)
    if member.room.member_count <= RECEIPTS_UP_TO:
        log.tell(member.room_id, "read.updated", member.user_id, moved, min_seq=head)
    return marker


class _Count(Subquery):
    """The number of rows of a subquery; its LIMIT bounds the cost of counting."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def unread_counts(user_id: UUID, room_ids: Iterable[UUID] | None = None) -> dict[UUID, tuple[int, bool]]:
    """For each of the user's rooms (or of these) what is unread, and whether that is only what was counted.

    Unread is what the definition says: visible, undeleted messages of others above the read marker. One query.
    """
    if room_ids is None:
        counts = _count_in_all(user_id=user_id)
    else:
        counts = _count_in_some(user_id=user_id, room_ids=list(room_ids))
    return {room_id: _cap(unread) for room_id, unread in counts}


def _cap(counted: int) -> tuple[int, bool]:
    return min(counted, UNREAD_EXACT), counted > UNREAD_EXACT


def _counts() -> QuerySet[Member, tuple[UUID, int]]:
    user_id = param("user_id", UUIDField())
    above = Message.objects.filter(room_id=OuterRef("room_id"), seq__gt=OuterRef("read_seq")).by_others(user_id)
    is_shared = Q(Exact(OuterRef("room__history"), Value(History.SHARED)))
    # The stay that goes on holds nearly all that is unread; only for what is before it the others are looked at.
    stayed = Exists(
        MembershipPeriod.objects.filter(room_id=OuterRef("room_id"), user_id=user_id).around(OuterRef("seq"))
    )
    visible = above.filter(is_shared | Q(seq__gte=OuterRef("joined_seq")) | Q(stayed))
    counted = Member.objects.filter(user_id=user_id, state="joined")
    return counted.annotate(unread=_Count(visible.values("seq")[: UNREAD_EXACT + 1])).values_list("room_id", "unread")


_count_in_all = CompiledQuery(_counts)
_count_in_some = CompiledQuery(lambda: _counts().filter(room_id__in=list_param("room_ids", UUIDField())))
_count_at_head = CompiledQuery(
    lambda: (
        _counts()
        .filter(room_id=param("room_id", UUIDField()))
        .values_list("unread", Subquery(StreamHead.objects.filter(stream=OuterRef("room_id")).values("last_seq")))
    )
)
