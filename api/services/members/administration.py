"""Memberships that an app's backend changes with a server key, in any room and as nobody's member."""

from typing import Any
from uuid import UUID

from accounts import audit
from accounts.keys import require_key
from accounts.models import ServerKey
from api.models import Member, Room
from api.models.choices import Role, State
from api.serializers.members import render_member
from api.services.members.limits import check_placed_rooms
from api.services.members.transitions import (
    begin_membership,
    change_role,
    check_not_direct,
    end_membership,
    find_users,
    is_banned,
    is_last_owner,
    other_members,
)
from eventlog.transaction import record_events
from wire.problems import Problem


def put_member_for(
    *, key: ServerKey, room_id: UUID, user_id: UUID, role: str | None = None
) -> tuple[dict[str, Any], bool]:
    """Add a user, or change a member's role; returns the Member, and whether the user was added.

    Raises Problem not_found (room, user), room.archived, room.direct, room.last_owner, room.user_banned, room.limit or
    auth.invalid_token.
    """
    with record_events(rooms=[room_id], inboxes=[user_id]) as log:
        room, member = _find(room_id, user_id)
        is_new = member is None
        if member is None:
            user = find_users([user_id]).get(user_id)
            if user is None:
                raise Problem("not_found", "There is no such user.")
            if is_banned(room, user_id):
                raise Problem("room.user_banned")
            check_placed_rooms([user_id])
            member = begin_membership(log, room, user, Role(role or Role.MEMBER), None)
        elif role is not None:
            if role != Role.OWNER and is_last_owner(member):
                raise Problem("room.last_owner", "Make somebody else an owner first.")
            change_role(log, member, Role(role), None)
        require_key(key)
        where: dict[str, Any] = {"actor": str(key.pk), "target": ("user", user_id), "room_id": room_id}
        if is_new:
            audit.record("room.member_added", **where)
        elif log.appended:
            audit.record("room.role_changed", **where)
        return render_member(member), is_new


def remove_member_for(*, key: ServerKey, room_id: UUID, user_id: UUID) -> None:
    """Remove a member; a user who is none is no error.

    Raises Problem not_found (room), room.archived, room.direct, room.last_owner or auth.invalid_token.
    """
    with record_events(rooms=[room_id], inboxes=[user_id]) as log:
        _, member = _find(room_id, user_id)
        require_key(key)
        if member is None:
            return
        if is_last_owner(member) and other_members(member).filter(user__is_active=True).exists():
            raise Problem("room.last_owner", "Make somebody else an owner first.")
        end_membership(log, member, State.REMOVED, None)
        audit.record("room.member_removed", actor=str(key.pk), target=("user", user_id), room_id=room_id)


def _find(room_id: UUID, user_id: UUID) -> tuple[Room, Member | None]:
    """Return a room that can be changed, and the membership of the user in it."""
    room = Room.objects.filter(pk=room_id).first()
    if room is None:
        raise Problem("not_found", "There is no such room.")
    check_not_direct(room)
    if room.is_archived:
        raise Problem("room.archived")
    members = Member.objects.joined().filter(room=room, user=user_id).select_related("user")
    member = members.with_markers().first()
    if member is not None:
        member.room = room
    return room, member
