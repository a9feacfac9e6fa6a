"""Access to rooms, decided alike for every endpoint and action."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery, UUIDField
from django.db.models.functions import Coalesce

from api.models import Epoch, Member, Room, StreamHead
from api.models.rooms import Kind
from wire.compiled_query import CompiledQuery, param
from wire.problems import Problem, define

define("room.not_member", 403, "You are not a member of this room")
define("room.peer_deleted", 409, "The other member of this direct room has deleted their account")
define("room.archived", 409, "The room is archived: it can be read, not changed")


def find_member(user_id: UUID, room_id: UUID) -> Member:
    """The user's membership of the room, with the room: one query for a member.

    Raises Problem not_found for a room that is not theirs to see, room.not_member for a public room they are not in.
    """
    member = Member.objects.select_related("room").filter(room_id=room_id, user_id=user_id, state="joined").first()
    if member is None:
        raise room_not_accessible(room_id)
    return member


class Reader(NamedTuple):
    """A member, with the room's head and the epoch, all of one moment."""

    member: Member
    head: int
    epoch: int


def _readers() -> QuerySet[Any]:  # members with annotations
    heads = StreamHead.objects.filter(stream=OuterRef("room_id")).values("last_seq")
    return (
        Member.objects.select_related("room")
        .filter(room_id=param("room_id", UUIDField()), user_id=param("user_id", UUIDField()), state="joined")
        .annotate(head=Subquery(heads), epoch=Coalesce(Subquery(Epoch.objects.values("value")[:1]), 1))
    )


_find_readers = CompiledQuery(_readers)


def find_reader(user_id: UUID, room_id: UUID) -> Reader:
    """Find a member, with everything that the answers to reads carry, in the same one query. Raises as find_member."""
    for member in _find_readers(user_id=user_id, room_id=room_id):
        return Reader(member, member.head, member.epoch)
    raise room_not_accessible(room_id)


def room_not_accessible(room_id: UUID) -> Problem:
    """Return the problem that somebody who is not a member of the room gets."""
    return not_accessible(Room.objects.filter(pk=room_id).values_list("kind", flat=True).first())


def not_accessible(kind: str | None) -> Problem:
    """Return the problem that a user gets who is not a member of a room of this kind; None is a room that does not
    exist."""
    if kind == Kind.PUBLIC:
        return Problem("room.not_member", "Join the room first.")
    return Problem("not_found", "There is no such room.")


def find_writer(user_id: UUID, room_id: UUID) -> Member:
    """Find a member of a room that is not archived. Raises as find_member, or Problem room.archived."""
    member = find_member(user_id, room_id)
    if member.room.is_archived:
        raise Problem("room.archived", "The room is archived.")
    return member


def find_speaker(user_id: UUID, room_id: UUID) -> Member:
    """Find a writer in a room where somebody else receives the message. Raises as find_writer, or Problem
    room.peer_deleted.

    Raises Problem room.peer_deleted for a direct room whose other member has deleted the account.
    """
    member = find_writer(user_id, room_id)
    peers = Member.objects.filter(room=room_id).exclude(pk=member.pk)
    if member.room.kind == Kind.DIRECT and peers.filter(user__deleted_at__isnull=False).exists():
        raise Problem("room.peer_deleted")
    return member
