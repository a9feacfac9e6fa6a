"""Members: leaving a room, adding, inviting and removing people, bans and mutes, roles, and the list of members.

Each write reads the state on which it depends after locking the room's head.
"""

from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from accounts.models import Session, User
from api.models import Member, Room
from api.models.choices import Permission, Role, State
from api.serializers.invites import render_invite
from api.serializers.members import render_member
from api.services.members.access import find_member, find_writer, not_accessible
from api.services.members.administration import put_member_for, remove_member_for
from api.services.members.invites import (
    append_invite,
    check_may_reach,
    decline_invite,
    find_open_invite,
    find_unplaceable,
    list_invites,
    put_invite,
    rooms_of_surplus,
    withdraw_invite,
)
from api.services.members.limits import INVITES, MAX_ROOMS
from api.services.members.ownership import hand_over, put_owner
from api.services.members.sanctions import end_ban, end_mute, list_bans, list_mutes, put_ban, put_mute
from api.services.members.transitions import (
    begin_membership,
    change_role,
    check_not_direct,
    check_permission,
    end_membership,
    find_users,
    is_last_owner,
    other_members,
)
from eventlog.locking import RETRY_LOCK_MS, find_or_create
from eventlog.transaction import EventTransaction, record_events
from wire.pagination import paginate
from wire.problems import Problem

__all__ = [  # with the names of inner modules that realtime imports
    "MAX_ROOMS",
    "Outcome",
    "add_or_change_member",
    "decline_invite",
    "end_ban",
    "end_mute",
    "leave_room",
    "list_bans",
    "list_invites",
    "list_members",
    "list_mutes",
    "not_accessible",
    "put_ban",
    "put_invite",
    "put_member_for",
    "put_mute",
    "put_owner",
    "remove_member",
    "remove_member_for",
    "withdraw_invite",
]


class Outcome(StrEnum):
    """The result of adding a user to a room."""

    ADDED = "added"
    MEMBER = "member"  # the user was a member already
    INVITED = "invited"


def leave_room(*, session: Session, room_id: UUID) -> None:
    """Leave a room, archived or not. When the last owner leaves an archived room, another member owns it.

    Raises Problem not_found, room.not_member, room.direct or, in a room that is not archived, room.last_owner.
    """
    user = session.user
    with record_events(rooms=[room_id], inboxes=[user.id], session=session) as log:
        member = find_member(user.id, room_id)
        check_not_direct(member.room)
        others = other_members(member).filter(user__is_active=True)
        if not member.room.is_archived and is_last_owner(member) and others.exists():
            raise Problem("room.last_owner", "Make somebody else an owner first.")
        member.user = user
        hand_over(log, member, user.id)
        end_membership(log, member, State.LEFT, user.id)


def add_or_change_member(
    *, session: Session, room_id: UUID, user_id: UUID, role: str | None = None
) -> tuple[dict[str, Any], Outcome]:
    """Add a user, or change a member's role; returns the Member.

    A user whom nobody can add is invited instead, as a plain member; then the Invite is returned. Raises Problem
    not_found (room, user), room.not_member, room.archived, room.direct, room.role_required, room.last_owner,
    room.user_banned, invite.limit or limit.invite.
    """
    find = partial(_find_unchanged, session.user.id, room_id, user_id, role)
    return find_or_create(find, partial(_put_member, session, room_id, user_id, role))


def _find_unchanged(
    actor_id: UUID, room_id: UUID, user_id: UUID, role: str | None
) -> tuple[dict[str, Any], Outcome] | None:
    """Return the answer if the user is a member with this role already, else None.

    Setting the current role again needs only add_members, so that an add can be retried.
    """
    actor = find_writer(actor_id, room_id)
    check_not_direct(actor.room)
    target = _find_target(actor.room, user_id)
    if target is None or role not in (None, target.role):
        return None
    check_permission(actor, Permission.ADD_MEMBERS)
    return render_member(target), Outcome.MEMBER


def _put_member(session: Session, room_id: UUID, user_id: UUID, role: str | None) -> tuple[dict[str, Any], Outcome]:
    rooms = {room_id, *rooms_of_surplus([user_id])}
    with record_events(rooms=rooms, inboxes=[user_id], session=session, lock_timeout_ms=RETRY_LOCK_MS) as log:
        unchanged = _find_unchanged(session.user.id, room_id, user_id, role)
        if unchanged is not None:
            return unchanged
        actor = find_writer(session.user.id, room_id)
        target = _find_target(actor.room, user_id)
        new_role = Role(role or Role.MEMBER)
        is_plain_add = target is None and new_role == Role.MEMBER
        check_permission(actor, Permission.ADD_MEMBERS if is_plain_add else Permission.SET_ROLES)
        if target is None:
            return _add(log, session.user, actor.room, user_id, new_role)
        if new_role != Role.OWNER and is_last_owner(target):
            raise Problem("room.last_owner", "Make somebody else an owner first.")
        change_role(log, target, new_role, session.user.id)
        return render_member(target), Outcome.MEMBER


def _add(log: EventTransaction, actor: User, room: Room, user_id: UUID, role: Role) -> tuple[dict[str, Any], Outcome]:
    user = find_users([user_id]).get(user_id)
    if user is None:
        raise Problem("not_found", "There is no such user.")
    check_may_reach(room, actor.id, user_id)
    is_invited = bool(find_unplaceable([user_id]))
    if is_invited and (invite := find_open_invite(room, user_id)):
        return render_invite(invite), Outcome.INVITED
    INVITES.take(str(actor.id))
    if is_invited:
        return render_invite(append_invite(log, room, user, actor)), Outcome.INVITED
    return render_member(begin_membership(log, room, user, role, actor.id)), Outcome.ADDED


def remove_member(*, session: Session, room_id: UUID, user_id: UUID) -> None:
    """Remove a member; a user who removes themselves leaves. Only an owner can remove owners and admins.

    Raises Problem not_found (room, member), room.not_member, room.archived, room.direct, room.role_required or
    room.last_owner.
    """
    if user_id == session.user.id:
        leave_room(session=session, room_id=room_id)
        return
    with record_events(rooms=[room_id], inboxes=[user_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        check_not_direct(actor.room)
        check_permission(actor, Permission.REMOVE_MEMBERS)
        target = _find_target(actor.room, user_id)
        if target is None:
            raise Problem("not_found", "There is no such member.")
        if target.role != Role.MEMBER and actor.role != Role.OWNER:
            raise Problem("room.role_required", "Only an owner removes owners and admins.")
        end_membership(log, target, State.REMOVED, session.user.id)


def list_members(*, user_id: UUID, room_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """Return a page of the room's members, in the order of joining. Raises Problem not_found or room.not_member."""
    room = find_member(user_id, room_id).room
    members = Member.objects.joined().filter(room=room_id).select_related("user").with_markers()
    page = paginate(members, order=["joined_at", "id"], cursor=cursor, limit=limit)
    for member in page.rows:
        member.room = room
        member.shares_read |= member.user_id == user_id  # from others alone
    return page.as_dict(lambda rows: [render_member(member) for member in rows])


def _find_target(room: Room, user_id: UUID) -> Member | None:
    """Find the member that a request names, with the user and the room."""
    member = Member.objects.joined().filter(room=room, user=user_id).select_related("user").with_markers().first()
    if member is not None:
        member.room = room
    return member
