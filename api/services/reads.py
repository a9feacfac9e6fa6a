"""Read markers: the last seq that each member has read, and the number of unread messages after it."""

from collections.abc import Iterable
from typing import TypedDict
from uuid import UUID

from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, UUIDField, Value
from django.db.models.lookups import Exact

from accounts.models import Session
from api.models import Member, Message, UserSettings
from api.models.choices import History, State
from api.models.visibility import is_in_period
from api.services.members.access import find_reader
from eventlog.models import StreamHead
from eventlog.transaction import EventTransaction, record_events
from wire.compiled_query import CompiledQuery, list_param, param
from wire.problems import FieldError, Problem, define

UNREAD_EXACT = 999  # counts end here; no badge shows more

define("read.ahead", 400, "The room has not come that far")


class Marker(TypedDict):
    """A read marker, as ReadMarkerSerializer documents it."""

    read_seq: int
    unread: int
    unread_capped: bool


def mark_read(*, session: Session, room_id: UUID, seq: int) -> Marker:
    """Move the read marker forward to `seq`, never back.

    Raises Problem not_found, room.not_member or read.ahead.
    """
    with record_events(inboxes=[session.user_id], session=session) as log:
        member, head = _find(session, room_id, seq)
        # The condition is in the update because a send of the user moves the marker too, under another lock.
        if Member.objects.filter(pk=member.pk, state=State.JOINED, read_seq__lt=seq).update(read_seq=seq):
            member.read_seq = seq
            return _append_moved(log, member, head)
    return _read_marker(member)


def mark_unread(*, session: Session, room_id: UUID, seq: int) -> Marker:
    """Move the read marker back to just before `seq`, never forward.

    Raises Problem not_found, room.not_member or read.ahead.
    """
    with record_events(inboxes=[session.user_id], session=session) as log:
        member, head = _find(session, room_id, seq)
        if Member.objects.filter(pk=member.pk, state=State.JOINED, read_seq__gte=seq).update(read_seq=seq - 1):
            member.read_seq = seq - 1
            return _append_moved(log, member, head)
    return _read_marker(member)


def _find(session: Session, room_id: UUID, seq: int) -> tuple[Member, int]:
    """Find the member and the room's head; raises Problem read.ahead. Archived rooms can be marked too."""
    member, head, _ = find_reader(session.user_id, room_id)
    if seq > head:
        detail = f"The room's head is {head}."
        raise Problem("read.ahead", detail, errors=[FieldError("seq", "ahead", detail)])
    return member, head


def _read_marker(member: Member) -> Marker:
    """Read the marker again: it did not move, and another request may have moved it meanwhile."""
    member.refresh_from_db(fields=["read_seq"])
    unread, capped = unread_counts(member.user_id, [member.room_id]).get(member.room_id, (0, False))
    return {"read_seq": member.read_seq, "unread": unread, "unread_capped": capped}


def _append_moved(log: EventTransaction, member: Member, head: int) -> Marker:
    """Append read.updated to the user's inbox, and send it to the other members of a small room without storing it.

    A send of the user moves the marker too, in another stream: by the event's `head` a device finds out which of the
    two came last. The head is read after the member's row is locked: a send up to it came before, and a later one moves
    the marker again. One statement reads the head and counts, so that the count belongs to this head.
    """
    [(counted, latest, hides_read)] = _count_at_head(user_id=member.user_id, room_id=member.room_id)
    unread, capped = _cap(counted)
    moved = {"room_id": member.room_id, "user_id": member.user_id, "read_seq": member.read_seq, "head": latest}
    marker: Marker = {"read_seq": member.read_seq, "unread": unread, "unread_capped": capped}
    log.append(member.user_id, "read.updated", member.user_id, moved | marker)
    if not (member.room.is_large or hides_read):
        log.emit_ephemeral(member.room_id, "read.updated", member.user_id, moved, min_seq=head)
    return marker


class _Count(Subquery):
    """Counts the rows of a subquery; its LIMIT bounds the cost."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def unread_counts(user_id: UUID, room_ids: Iterable[UUID] | None = None) -> dict[UUID, tuple[int, bool]]:
    """Count the unread messages of the user's rooms, or of these, and return whether each count was capped.

    Unread are the visible, undeleted messages of others above the read marker. It takes one query.
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
    # Nearly all unread messages are in the current period; the earlier ones are only checked for messages before it.
    is_visible = is_shared | Q(seq__gte=OuterRef("joined_seq")) | Q(is_in_period(OuterRef("room_id"), user_id))
    visible = above.filter(is_visible)
    counted = Member.objects.filter(user_id=user_id, state=State.JOINED)
    return counted.annotate(unread=_Count(visible.values("seq")[: UNREAD_EXACT + 1])).values_list("room_id", "unread")


_count_in_all = CompiledQuery(_counts)
_count_in_some = CompiledQuery(lambda: _counts().filter(room_id__any_of=list_param("room_ids", UUIDField())))
_count_at_head = CompiledQuery(
    lambda: (
        _counts()
        .filter(room_id=param("room_id", UUIDField()))
        .annotate(hides_read=Exists(UserSettings.objects.filter(pk=OuterRef("user_id"), share_read=False)))
        .values_list("unread", StreamHead.last_seq_of(OuterRef("room_id")), "hides_read")
    )
)
