"""Members come, go and change their role. Everything is decided after the room's head is locked."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Session, User
from api.models import Member, Room
from api.models.members import Role, State
from api.serializers.members import render_member
from api.services.members import ownership, transitions
from api.services.members.access import find_member, find_writer
from eventlog.locking import RETRY_LOCK_MS, find_or_create
from eventlog.transaction import EventTransaction, record_events
from wire.pagination import paginate
from wire.problems import Problem


def leave_room(*, session: Session, room_id: UUID) -> None:
    """Leave a room, archived or not. An archived room that loses its last owner gets another, who may unarchive it.

    Raises Problem not_found, room.not_member, room.direct or, in a room that is not archived, room.last_owner.
    """
    user = session.user
    with record_events(rooms=[room_id], inboxes=[user.id], session=session) as log:
        member = find_member(user.id, room_id)
        transitions.refuse_direct(member.room)
        others = transitions.others_in(member).filter(user__is_active=True)
        if not member.room.is_archived and transitions.is_last_owner(member) and others.exists():
            raise Problem("room.last_owner", "Make somebody else an owner first.")
        member.user = user
        ownership.hand_over(log, member, user.id)
        transitions.end(log, member, State.LEFT, user.id)


def add_or_change_member(
    *, session: Session, room_id: UUID, user_id: UUID, role: str | None = None
) -> tuple[dict[str, Any], bool]:
    """Add a user, or change a member's role; the Member, and whether they are new. Nothing happens when it is so.

    Raises Problem not_found (room, user), room.not_member, room.archived, room.direct, room.role_required,
    room.last_owner, room.limit or limit.invite.
    """
    names = session.user.id, room_id, user_id, role
    return find_or_create(partial(_find_unchanged, *names), partial(_put_member, session, room_id, user_id, role))


def _find_unchanged(
    actor_id: UUID, room_id: UUID, user_id: UUID, role: str | None
) -> tuple[dict[str, Any], bool] | None:
    """The answer if the user is a member with this role already: allowed to whoever may add, as the retry of an add."""
    actor = find_writer(actor_id, room_id)
    transitions.refuse_direct(actor.room)
    target = _find(actor.room, user_id)
    if target is None or role not in (None, target.role):
        return None
    transitions.require(actor, "add_members")
    return render_member(target), False


def _put_member(session: Session, room_id: UUID, user_id: UUID, role: str | None) -> tuple[dict[str, Any], bool]:
    with record_events(rooms=[room_id], inboxes=[user_id], session=session, lock_timeout_ms=RETRY_LOCK_MS) as log:
        unchanged = _find_unchanged(session.user.id, room_id, user_id, role)
        if unchanged is not None:
            return unchanged
        actor = find_writer(session.user.id, room_id)
        target = _find(actor.room, user_id)
        new_role = Role(role or Role.MEMBER)
        is_plain_add = target is None and new_role == Role.MEMBER
        transitions.require(actor, "add_members" if is_plain_add else "set_roles")
        if target is None:
            user = _find_user(user_id)
            transitions.refuse_placing([user_id])
            transitions.INVITES.take(str(session.user.id))
            return render_member(transitions.begin(log, actor.room, user, new_role, session.user.id)), True
        _change_role(log, target, new_role, session.user.id)
        return render_member(target), False


def remove_member(*, session: Session, room_id: UUID, user_id: UUID) -> None:
    """Remove a member; of oneself, leave. An admin removes plain members only.

    Raises Problem not_found (room, member), room.not_member, room.archived, room.direct, room.role_required or
    room.last_owner.
    """
    if user_id == session.user.id:
        leave_room(session=session, room_id=room_id)
        return
    with record_events(rooms=[room_id], inboxes=[user_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        transitions.refuse_direct(actor.room)
        transitions.require(actor, "remove_members")
        target = _find(actor.room, user_id)
        if target is None:
            raise Problem("not_found", "There is no such member.")
        if target.role != Role.MEMBER and actor.role != Role.OWNER:
            raise Problem("room.role_required", "Only an owner removes owners and admins.")
        transitions.end(log, target, State.REMOVED, session.user.id)


def list_members(*, user_id: UUID, room_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of who is in the room, the longest-standing first. Raises Problem not_found or room.not_member."""
    find_member(user_id, room_id)
    members = Member.objects.filter(room=room_id, state=State.JOINED).select_related("user")
    page = paginate(members, order=["joined_at", "id"], cursor=cursor, limit=limit)
    return page.as_dict(lambda rows: [render_member(member) for member in rows])


def _change_role(log: EventTransaction, member: Member, role: Role, actor_id: UUID) -> None:
    if role != Role.OWNER and transitions.is_last_owner(member):
        raise Problem("room.last_owner", "Make somebody else an owner first.")
    transitions.give_role(log, member, role, actor_id)


def _joined(room: Room) -> QuerySet[Member]:
    return Member.objects.filter(room=room, state=State.JOINED)


def _find(room: Room, user_id: UUID) -> Member | None:
    member = _joined(room).filter(user=user_id).select_related("user").first()
    if member is not None:
        member.room = room
    return member


def _find_user(user_id: UUID) -> User:
    user = transitions.find_users([user_id]).get(user_id)
    if user is None:
        raise Problem("not_found", "There is no such user.")
    return user
