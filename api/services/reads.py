"""Read markers: the last seq that each member has read, and the number of unread messages after it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict, cast
from uuid import UUID

from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, UUIDField, Value
from django.db.models.lookups import Exact

from accounts.models import Session
from api.models import Member, Mention, Message, Thread, ThreadFollow, UserSettings
from api.models.choices import History, State
from api.models.members import MemberQuerySet
from api.models.visibility import is_in_period
from api.services.members.access import find_member_and_head
from eventlog.models import StreamHead
from eventlog.transaction import EventTransaction, record_events
from wire.compiled_query import CompiledQuery, list_param, param, seq_for
from wire.problems import FieldError, Problem, define

UNREAD_EXACT = 999  # counts end here; no badge shows more

define("read.ahead", 400, "The room has not come that far")


class Marker(TypedDict):
    """A read marker, as ReadMarkerSerializer documents it."""

    read_seq: int
    unread: int
    unread_capped: bool


def mark_read(*, session: Session, room_id: UUID, seq: int, thread_root: UUID | None = None) -> Marker:
    """Move the read marker of the main line, or of a thread, forward to `seq`, never back.

    Raises Problem not_found, room.not_member or read.ahead.
    """
    with record_events(inboxes=[session.user_id], session=session) as log:
        member, head = _find(session, room_id, seq)
        if thread_root is not None:
            return _mark_thread_read(log, member, find_root(member, thread_root), seq)
        # The condition is in the update because a send of the user moves the marker too, under another lock.
        if Member.objects.filter(pk=member.pk, state=State.JOINED, read_seq__lt=seq).update(read_seq=seq):
            member.read_seq = seq
            return _append_moved(log, member, head)
    return _read_marker(member)


def find_root(member: Member, message_id: UUID) -> Message:
    """Return the message whose thread a request names. Raises Problem not_found, for a reply in a thread too."""
    root = Message.objects.visible_to(member).begin_threads().filter(pk=message_id).first()
    if root is None:
        raise Problem("not_found", "There is no such message, or it is itself a reply in a thread.")
    return root


def ensure_follow(user_id: UUID, root: Message) -> QuerySet[ThreadFollow]:
    """Return the user's row of a thread as a query. Without one, only the sender of the root follows the thread."""
    found = ThreadFollow.objects.filter(thread_id=root.pk, user_id=user_id)
    if not found.exists():
        thread = Thread(root=root, root_seq=root.seq, last_seq=root.seq, active_at=root.created_at)
        Thread.objects.bulk_create([thread], ignore_conflicts=True)
        is_mine = root.sender_id == user_id
        follow = ThreadFollow(
            room_id=root.room_id, thread=thread, user_id=user_id, following=is_mine, read_seq=root.seq
        )
        ThreadFollow.objects.bulk_create([follow], ignore_conflicts=True)
    return found


def _mark_thread_read(log: EventTransaction, member: Member, root: Message, seq: int) -> Marker:
    """Move the marker of a thread forward; the user's own replies move it too, under another lock."""
    found = ensure_follow(member.user_id, root)
    moved = found.filter(read_seq__lt=seq).update(read_seq=seq)
    [read_seq] = found.values_list("read_seq", flat=True)
    marker = thread_marker(member, root.pk, max(read_seq, member.joined_seq))
    if moved:
        data = {"room_id": member.room_id, "thread_root": root.pk, **marker}
        log.append(member.user_id, "thread.read", member.user_id, data)
    return marker


def thread_marker(member: Member, root_id: UUID, read_seq: int) -> Marker:
    """Return the marker of a thread with its number of unread replies."""
    replies = Message.objects.in_line(root_id).filter(seq__gt=read_seq).by_others(member.user_id)
    unread, capped = _cap(replies.values("pk")[: UNREAD_EXACT + 1].count())
    return {"read_seq": read_seq, "unread": unread, "unread_capped": capped}


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
    member, head = find_member_and_head(session.user_id, room_id)
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


class RowCount(Subquery):
    """Counts the rows of a subquery; its LIMIT bounds the cost."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def unread_counts(user_id: UUID, room_ids: Iterable[UUID] | None = None) -> dict[UUID, tuple[int, bool]]:
    """Count the unread messages of the user's rooms, or of these, and return whether each count was capped.

    Unread are the visible, undeleted messages of others in the main line above the read marker. It takes one query.
    """
    if room_ids is None:
        counts = _count_in_all(user_id=user_id)
    else:
        counts = _count_in_some(user_id=user_id, room_ids=list(room_ids))
    return {room_id: _cap(unread) for room_id, unread in counts}


class Unread(NamedTuple):
    """The numbers of a room that are unread: of messages in the main line, of those that name me, and of threads."""

    unread: int = 0
    is_capped: bool = False
    mentions: int = 0
    threads: int = 0

    @classmethod
    def of(cls, unread: int, mentions: int, threads: int) -> "Unread":
        """Cap the numbers, which were counted up to UNREAD_EXACT + 1."""
        return cls(*_cap(unread), min(mentions, UNREAD_EXACT), min(threads, UNREAD_EXACT))


def count_unread(user_id: UUID, heads: Mapping[UUID, int]) -> dict[UUID, Unread]:
    """Count what is unread in these rooms of the user, up to these heads. It takes one query.

    A client adds the messages after the head that it is given: a count beyond the head would count them twice.
    """
    counts = _count_up_to(user_id=user_id, room_ids=list(heads), heads=heads)
    return {room_id: Unread.of(*numbers) for room_id, *numbers in counts}


def get_unread(*, user_id: UUID) -> dict[str, Any]:
    """Return the unread numbers of all rooms of the user, and their sums, in one query."""
    rooms, numbers = [], []
    for room_id, read_seq, hidden_seq, is_hidden, *counted in _count_all_numbers(user_id=user_id):
        if hidden_seq == 0 and is_hidden:  # a direct room that the other member opened, before its first message
            continue
        unread = Unread.of(*counted)
        numbers.append(unread)
        rooms.append(
            {
                "room_id": room_id,
                "read_seq": read_seq,
                "unread": unread.unread,
                "unread_capped": unread.is_capped,
                "unread_mentions": unread.mentions,
            }
        )
    return {
        "unread_total": sum(each.unread for each in numbers),
        "mentions_total": sum(each.mentions for each in numbers),
        "threads_total": sum(each.threads for each in numbers),
        "rooms": rooms,
    }


def _cap(counted: int) -> tuple[int, bool]:
    return min(counted, UNREAD_EXACT), counted > UNREAD_EXACT


def _is_visible(user_id: Any) -> Q:
    """Build the condition that a row above the read marker is visible, inside a query of memberships."""
    is_shared = Q(Exact(OuterRef("room__history"), Value(History.SHARED)))
    # Nearly all unread messages are in the current period; the earlier ones are only checked for messages before it.
    return is_shared | Q(seq__gte=OuterRef("joined_seq")) | Q(is_in_period(OuterRef("room_id"), user_id))


def _counts(up_to: Any = None) -> QuerySet[Member, tuple[UUID, int]]:
    user_id = param("user_id", UUIDField())
    above = Message.objects.in_line().filter(room_id=OuterRef("room_id"), seq__gt=OuterRef("read_seq"))
    visible = above.by_others(user_id).filter(_is_visible(user_id))
    if up_to is not None:
        visible = visible.filter(seq__lte=up_to)
    counted = Member.objects.filter(user_id=user_id, state=State.JOINED)
    return counted.annotate(unread=RowCount(visible.values("seq")[: UNREAD_EXACT + 1])).values_list("room_id", "unread")


def _numbers(up_to: Any = None) -> Any:  # members with annotations
    """Add the numbers of mentions and of threads to `_counts`."""
    user_id = param("user_id", UUIDField())
    named = Mention.objects.filter(target__in=[user_id, OuterRef("room_id")], room_id=OuterRef("room_id"))
    named = named.filter(seq__gt=OuterRef("read_seq"), in_main_line=True).by_others(user_id)
    named = named.filter(_is_visible(user_id))
    threads = Thread.objects.followed_by(user_id, room_id=OuterRef("room_id"))
    if up_to is not None:
        named = named.filter(seq__lte=up_to)
    threads = threads.unread(user_id, None if up_to is None else seq_for(OuterRef("follows__room_id"), "heads"))
    return _counts(up_to).annotate(
        mentions=RowCount(named.values("seq")[: UNREAD_EXACT + 1]),
        threads=RowCount(threads.values("pk")[: UNREAD_EXACT + 1]),
    )


_NUMBERS = ("unread", "mentions", "threads")
_count_in_all = CompiledQuery(_counts)
_count_in_some = CompiledQuery(lambda: _counts().filter(room_id__any_of=list_param("room_ids", UUIDField())))
_count_up_to = CompiledQuery(
    lambda: (
        _numbers(seq_for(OuterRef("room_id"), "heads"))
        .filter(room_id__any_of=list_param("room_ids", UUIDField()))
        .values_list("room_id", *_NUMBERS)
    )
)
_count_all_numbers = CompiledQuery(
    lambda: (
        cast(MemberQuerySet, _numbers())
        .with_hidden()
        .order_by()
        .values_list("room_id", "read_seq", "hidden_seq", "is_hidden", *_NUMBERS)
    )
)
_count_at_head = CompiledQuery(
    lambda: (
        _counts()
        .filter(room_id=param("room_id", UUIDField()))
        .annotate(hides_read=Exists(UserSettings.objects.filter(pk=OuterRef("user_id"), share_read=False)))
        .values_list("unread", StreamHead.last_seq_of(OuterRef("room_id")), "hides_read")
    )
)
