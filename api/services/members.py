"""Members come, go and change their role. Everything is decided after the room's head is locked."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Session, User
from api.events import LOOK_AGAIN_MS, Log, find_or_make, recording
from api.models import Member, Room
from api.models.members import Role, State
from api.models.rooms import Kind
from api.serializers.members import render_member
from api.services import ownership, stays
from api.services.access import find_member, find_reader, find_writer
from api.services.descriptions import get_room
from wire.pagination import paginate
from wire.problems import Problem


def join_room(*, session: Session, room_id: UUID) -> dict[str, Any]:
    """Enter a public room. The first to enter a room owns it if none of its owners can log in.

    A member whom somebody else added accepts by this: the room counts as one of the member's own. Nothing else happens
    to a member. Raises Problem not_found, room.archived or room.limit.
    """
    find_or_make(partial(_find_own, session.user.id, room_id), partial(_join, session, room_id))
    return get_room(user_id=session.user.id, room_id=room_id)


def _find_own(user_id: UUID, room_id: UUID) -> bool | None:
    """Return True if joining changes nothing, else None."""
    own = Member.objects.joined().filter(user=user_id, room=room_id, put_by_other=False, room__archived_at=None)
    return True if own.exists() else None


def _join(session: Session, room_id: UUID) -> bool:
    user = session.user
    with recording(rooms=[room_id], inboxes=[user.id], session=session, lock_timeout_ms=LOOK_AGAIN_MS) as log:
        room = Room.objects.visible_to(user.id).filter(pk=room_id).first()
        if room is None:
            raise Problem("not_found", "There is no such room.")
        if room.is_archived:
            raise Problem("room.archived", "The room is archived.")
        if _joined(room).filter(user=user).exists():
            stays.make_own([(room_id, user.id)])
        else:
            stays.refuse_full(user.id)
            owned = _joined(room).filter(role=Role.OWNER, user__is_active=True).exists()
            stays.begin(log, room, user, Role.MEMBER if owned else Role.OWNER, user.id)
    return True


def leave_room(*, session: Session, room_id: UUID) -> None:
    """Leave a room, archived or not. An archived room that loses its last owner gets another, who may unarchive it.

    Raises Problem not_found, room.not_member, room.direct or, in a room that is not archived, room.last_owner.
    """
    user = session.user
    with recording(rooms=[room_id], inboxes=[user.id], session=session) as log:
        member = find_member(user.id, room_id)
        stays.refuse_direct(member.room)
        others = stays.others_in(member).filter(user__is_active=True)
        if not member.room.is_archived and stays.is_last_owner(member) and others.exists():
            raise Problem("room.last_owner", "Make somebody else an owner first.")
        member.user = user
        ownership.hand_over(log, member, user.id)
        stays.end(log, member, State.LEFT, user.id)


def add_or_change_member(
    *, session: Session, room_id: UUID, user_id: UUID, role: str | None = None
) -> tuple[dict[str, Any], bool]:
    """Add a user, or change a member's role; the Member, and whether they are new. Nothing happens when it is so.

    Raises Problem not_found (room, user), room.not_member, room.archived, room.direct, room.role_required,
    room.last_owner, room.limit or limit.invite.
    """
    names = session.user.id, room_id, user_id, role
    return find_or_make(partial(_find_unchanged, *names), partial(_put_member, session, room_id, user_id, role))


def _find_unchanged(
    actor_id: UUID, room_id: UUID, user_id: UUID, role: str | None
) -> tuple[dict[str, Any], bool] | None:
    """The answer if the user is a member with this role already: allowed to whoever may add, as the retry of an add."""
    actor = find_writer(actor_id, room_id)
    stays.refuse_direct(actor.room)
    target = _find(actor.room, user_id)
    if target is None or role not in (None, target.role):
        return None
    stays.require(actor, "add_members")
    return render_member(target), False


def _put_member(session: Session, room_id: UUID, user_id: UUID, role: str | None) -> tuple[dict[str, Any], bool]:
    with recording(rooms=[room_id], inboxes=[user_id], session=session, lock_timeout_ms=LOOK_AGAIN_MS) as log:
        unchanged = _find_unchanged(session.user.id, room_id, user_id, role)
        if unchanged is not None:
            return unchanged
        actor = find_writer(session.user.id, room_id)
        target = _find(actor.room, user_id)
        new_role = Role(role or Role.MEMBER)
        is_plain_add = target is None and new_role == Role.MEMBER
        stays.require(actor, "add_members" if is_plain_add else "set_roles")
        if target is None:
            user = _find_user(user_id)
            stays.refuse_placing([user_id])
            stays.INVITES.take(str(session.user.id))
            return render_member(stays.begin(log, actor.room, user, new_role, session.user.id)), True
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


def update_room_me(*, session: Session, room_id: UUID, hidden: bool | None = None) -> dict[str, Any]:
    """Change what a room is to me; the Room's `me`. Hidden means: until a message comes after the room's head of now.

    Hiding a direct room, which cannot be left, also gives its place among the user's own rooms back. Raises Problem
    not_found or room.not_member.
    """
    user_id = session.user.id
    with recording(inboxes=[user_id], session=session) as log:
        member, head, _ = find_reader(user_id, room_id)
        mine = Member.objects.filter(pk=member.pk)
        if hidden is not None and hidden != mine.with_hidden().get().is_hidden:
            mine.update(
                hidden_seq=head if hidden else None,
                put_by_other=member.put_by_other or (hidden and member.room.kind == Kind.DIRECT),
            )
            data = {"room_id": room_id, "hidden": hidden, "head": head}
            log.append(user_id, "room.preferred", user_id, data)
    me: dict[str, Any] = get_room(user_id=user_id, room_id=room_id)["me"]
    return me


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
