"""Who may see a room at all, decided alike for every endpoint and action (design section 5, seen from outside)."""

from collections.abc import Iterable
from uuid import UUID

from api.models import Member, Room
from wire.problems import Problem, define

define("room.not_member", 403, "You are not a member of this room")
define("room.archived", 409, "The room is archived: it can be read, not changed")


def find_member(user_id: UUID, room_id: UUID) -> Member:
    """The user's membership of the room, with the room: one query for a member.

    Raises Problem not_found for a room that is not theirs to see, room.not_member for a public room they are not in.
    """
    member = Member.objects.select_related("room").filter(room_id=room_id, user_id=user_id, state="joined").first()
    if member is None:
        raise seen_from_outside(room_id)
    return member


def find_members(user_ids: Iterable[UUID], room_id: UUID) -> dict[UUID, Member]:
    """The bulk twin of find_member: by user id, those who are in the room, in one query."""
    members = Member.objects.select_related("room").filter(room_id=room_id, user_id__in=set(user_ids), state="joined")
    return {member.user_id: member for member in members}


def seen_from_outside(room_id: UUID) -> Problem:
    """What the room is to somebody who is not in it."""
    if Room.objects.filter(pk=room_id, kind="public").exists():
        return Problem("room.not_member", "Join the room first.")
    return Problem("not_found", "There is no such room.")


def find_writer(user_id: UUID, room_id: UUID) -> Member:
    """As find_member, of a room that is not archived: raises Problem room.archived for one that is."""
    member = find_member(user_id, room_id)
    if member.room.is_archived:
        raise Problem("room.archived", "The room is archived.")
    return member
