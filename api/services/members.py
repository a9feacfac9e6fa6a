"""Members come, go and change their role. Everything is decided after the room's head is locked."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Session, User
from api.events import Log, recording
from api.models import Member, Room
from api.models.members import Role, State
from api.serializers.members import render_member
from api.services import ownership, stays
from api.services.access import find_member, find_writer
from api.services.descriptions import get_room
from wire.pagination import paginate
from wire.problems import Problem


def join_room(*, session: Session, room_id: UUID) -> dict[str, Any]:
    """Enter a public room; nothing happens when the user is in already. The first to enter a room owns it if none of
    its owners can log in.

    Raises Problem not_found, room.archived or room.limit.
    """
    user = session.user
    with recording(rooms=[room_id], inboxes=[user.id], session=session) as log:
        room = Room.objects.visible_to(user.id).filter(pk=room_id).first()
        if room is None:
            raise Problem("not_found", "There is no such room.")
        if room.is_archived:
            raise Problem("room.archived", "The room is archived.")
        if not _joined(room).filter(user=user).exists():
            stays.refuse_full([user.id])
            owned = _joined(room).filter(role=Role.OWNER, user__is_active=True).exists()
            stays.begin(log, room, user, Role.MEMBER if owned else Role.OWNER, user.id)
    return get_room(user_id=user.id, room_id=room_id)


def leave_room(*, session: Session, room_id: UUID) -> None:
    """Leave for good. Raises Problem not_found, room.not_member, room.archived, room.direct or room.last_owner."""
    user = session.user
    with recording(rooms=[room_id], inboxes=[user.id], session=session) as log:
        member = find_writer(user.id, room_id)
        stays.refuse_direct(member.room)
        if stays.is_last_owner(member) and stays.others_in(member).filter(user__is_active=True).exists():
            raise Problem("room.last_owner", "Make somebody else an owner first.")
        member.user = user
        ownership.hand_over(log, member, user.id)
        stays.end(log, member, State.LEFT, user.id)


def add_or_change_member(
    *, session: Session, room_id: UUID, user_id: UUID, role: str | None = None
) -> tuple[dict[str, Any], bool]:
    """Add a user, or change a member's role; the Member, and whether they are new. Nothing happens when it is so.

    Raises Problem not_found (room, user), room.not_member, room.archived, room.direct, room.role_required,
    room.last_owner or room.limit.
    """
    with recording(rooms=[room_id], inboxes=[user_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        stays.refuse_direct(actor.room)
        target = _find(actor.room, user_id)
        # To say again what is so is allowed to whoever may add: it is the retry of an add.
        unchanged = role is None or role == (target.role if target else Role.MEMBER)
        stays.require(actor, "add_members" if unchanged else "set_roles")
        if target is None:
            user = _find_user(user_id)
            stays.refuse_full([user_id])
            added = stays.begin(log, actor.room, user, Role(role or Role.MEMBER), session.user.id)
            return render_member(added), True
        if not unchanged:
            _change_role(log, target, Role(role or Role.MEMBER), session.user.id)
        return render_member(target), False


def remove_member(*, session: Session, room_id: UUID, user_id: UUID) -> None:
    """Remove a member; of oneself, leave. An admin removes plain members only.

    Raises Problem not_found (room, member), room.not_member, room.archived, room.direct, room.role_required or
    room.last_owner.
    """
    if user_id == session.user.id:
        leave_room(session=session, room_id=room_id)
        return
    with recording(rooms=[room_id], inboxes=[user_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        stays.refuse_direct(actor.room)
        stays.require(actor, "remove_members")
        target = _find(actor.room, user_id)
        if target is None:
            raise Problem("not_found", "There is no such member.")
        if target.role != Role.MEMBER and actor.role != Role.OWNER:
            raise Problem("room.role_required", "Only an owner removes owners and admins.")
        stays.end(log, target, State.REMOVED, session.user.id)


def list_members(*, user_id: UUID, room_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of who is in the room, the longest-standing first. Raises Problem not_found or room.not_member."""
    find_member(user_id, room_id)
    members = Member.objects.filter(room=room_id, state=State.JOINED).select_related("user")
    page = paginate(members, order=["joined_at", "id"], cursor=cursor, limit=limit)
    return page.as_dict(lambda rows: [render_member(member) for member in rows])


def _change_role(log: Log, member: Member, role: Role, actor_id: UUID) -> None:
    if role != Role.OWNER and stays.is_last_owner(member):
        raise Problem("room.last_owner", "Make somebody else an owner first.")
    stays.give_role(log, member, role, actor_id)


def _joined(room: Room) -> QuerySet[Member]:
    return Member.objects.filter(room=room, state=State.JOINED)


def _find(room: Room, user_id: UUID) -> Member | None:
    member = _joined(room).filter(user=user_id).select_related("user").first()
    if member is not None:
        member.room = room
    return member


def _find_user(user_id: UUID) -> User:
    user = stays.find_users([user_id]).get(user_id)
    if user is None:
        raise Problem("not_found", "There is no such user.")
    return user
