"""Access to rooms: the rules that every endpoint and action share."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, UUIDField

from api.models import Block, Invite, Member, Room
from api.models.blocks import BlockedIds
from api.models.choices import Kind, State
from eventlog.models import Epoch, StreamHead
from wire.compiled_query import CompiledQuery, param
from wire.problems import Problem, define

define("room.not_member", 403, "You are not a member of this room")
define("room.peer_deleted", 409, "The other member of this direct room has deleted their account")
define("user.blocked", 403, "One of the two users blocks the other")
define("room.muted", 403, "You are muted in this room")
define("room.read_only", 403, "Only admins may write in this room")
define("room.archived", 409, "The room is archived: it can be read, not changed")


def find_member(user_id: UUID, room_id: UUID) -> Member:
    """Find the user's membership of the room, with the room: one query for a member.

    Raises Problem room.not_member for a public room, and one to which the user is invited, not_found for any other.
    """
    members = Member.objects.select_related("room").filter(room_id=room_id, user_id=user_id, state=State.JOINED)
    member = members.first()
    if member is None:
        raise room_not_accessible(user_id, room_id)
    return member


class Reader(NamedTuple):
    """A member, with the room's head, the epoch and the ids of the users whom they block, read by one statement."""

    member: Member
    head: int
    epoch: int
    blocked: frozenset[str]


def _with_head() -> QuerySet[Any]:  # members with annotations
    return (
        Member.objects.select_related("room")
        .filter(room_id=param("room_id", UUIDField()), user_id=param("user_id", UUIDField()), state=State.JOINED)
        .annotate(head=StreamHead.last_seq_of(OuterRef("room_id")))
    )


_find_with_head = CompiledQuery(_with_head)
_find_readers = CompiledQuery(
    lambda: _with_head().annotate(epoch=Epoch.as_expression(), blocked=BlockedIds(param("user_id", UUIDField())))
)


def find_member_and_head(user_id: UUID, room_id: UUID) -> tuple[Member, int]:
    """Find a member as find_member does, with the room's head, in one query. Raises as find_member."""
    for member in _find_with_head(user_id=user_id, room_id=room_id):
        return member, member.head
    raise room_not_accessible(user_id, room_id)


def find_reader(user_id: UUID, room_id: UUID) -> Reader:
    """Find a member who reads messages, with all that their page depends on, in one query. Raises as find_member."""
    for member in _find_readers(user_id=user_id, room_id=room_id):
        return Reader(member, member.head, member.epoch, member.blocked)
    raise room_not_accessible(user_id, room_id)


def find_writer(user_id: UUID, room_id: UUID) -> Member:
    """Find a member of a room that is not archived. Raises as find_member, or Problem room.archived."""
    member = find_member(user_id, room_id)
    if member.room.is_archived:
        raise Problem("room.archived", "The room is archived.")
    return member


def find_participant(user_id: UUID, room_id: UUID) -> Member:
    """Find a member of a room in which something can change: not a direct room whose other account is deleted.

    Raises as find_writer, or Problem room.peer_deleted or user.blocked.
    """
    member = find_writer(user_id, room_id)
    if member.room.kind == Kind.DIRECT:
        peers = Member.objects.filter(room=room_id).exclude(pk=member.pk)
        if peers.filter(user__deleted_at__isnull=False).exists():
            raise Problem("room.peer_deleted")
        if Block.objects.between(user_id, peers.values("user")).exists():
            raise Problem("user.blocked")
    return member


def find_sender(user_id: UUID, room_id: UUID) -> Member:
    """Find a member who may write in the room now.

    In a direct room whose other member has deleted the account nobody would receive a message. Raises as
    find_participant, or Problem room.muted or room.read_only.
    """
    member = find_participant(user_id, room_id)
    if member.is_muted():
        raise Problem("room.muted")
    check_may_post(member)
    return member


def check_may_post(member: Member) -> None:
    """Raise Problem room.read_only where only admins write and react, and the member is none."""
    if not member.may_post():
        raise Problem("room.read_only")


def room_not_accessible(user_id: UUID, room_id: UUID) -> Problem:
    """Return the problem with which a room rejects a user who is not a member."""
    invited = Exists(Invite.objects.open().filter(room=OuterRef("pk"), user=user_id))
    found = Room.objects.filter(pk=room_id).values_list("kind", invited).first()
    return not_accessible(*found) if found else not_accessible(None)


def not_accessible(kind: str | None, is_invited: bool = False) -> Problem:
    """Return the problem with which a room of this kind rejects a user who is not a member; None: no such room."""
    if kind == Kind.PUBLIC or is_invited:
        return Problem("room.not_member", "Join the room first.")
    return Problem("not_found", "There is no such room.")
