"""Ownership: a room gets another owner when its owner leaves or can no longer log in."""

from typing import Any
from uuid import UUID

from django.db.models import Case, When

from accounts import audit
from accounts.models import Session, User
from api.models import Job, JobKind, Member, Room
from api.models.choices import Kind, Permission, Role, State
from api.serializers.members import render_member
from api.services import jobs
from api.services.members.access import find_writer
from api.services.members.transitions import (
    begin_membership,
    change_role,
    check_not_direct,
    check_permission,
    is_banned,
    is_last_owner,
    other_members,
)
from eventlog.transaction import EventTransaction, record_events
from wire.problems import Problem


def hand_over(log: EventTransaction, member: Member, actor_id: UUID | None) -> None:
    """Give the room of its last owner to the admin who joined first, or else to the member who joined first.

    Members who can log in come before those who cannot. Without another member the owner keeps the room.
    """
    if not is_last_owner(member):
        return
    is_admin = Case(When(role=Role.ADMIN, then=0), default=1)
    others = other_members(member).select_related("user")
    new_owner = others.order_by("-user__is_active", is_admin, "joined_at", "pk").first()
    if new_owner is not None:
        change_role(log, new_owner, Role.OWNER, actor_id)


def give_room(*, room_id: UUID, user: User, add: bool = False, actor: str, reason: str = "") -> bool:
    """Make a member the only owner of a room, archived or not, for an operator; the owners of before become admins.

    With `add` a user who is no member becomes one. Returns False if nothing changes. Raises Problem not_found,
    room.direct, auth.account_disabled, room.not_member or room.user_banned.
    """
    with record_events(rooms=[room_id], inboxes=[user.pk]) as log:
        room = Room.objects.filter(pk=room_id).first()
        if room is None:
            raise Problem("not_found", "There is no such room.")
        check_not_direct(room)
        user = User.objects.get(pk=user.pk)
        if not user.is_active:
            raise Problem("auth.account_disabled", f"{user.username} cannot log in, so they cannot own a room.")
        members = Member.objects.joined().filter(room=room).select_related("user")
        owners = list(members.filter(role=Role.OWNER).exclude(user=user))
        member = members.filter(user=user).first()
        if member is None and not add:
            raise Problem("room.not_member", f"{user.username} is not a member of the room.")
        is_owner = member is not None and member.role == Role.OWNER
        if is_owner and not owners:
            return False
        if member is None:
            if is_banned(room, user.pk):
                raise Problem("room.user_banned")
            begin_membership(log, room, user, Role.OWNER, None)
        else:
            change_role(log, member, Role.OWNER, None)
        for owner in owners:
            change_role(log, owner, Role.ADMIN, None)
        audit.record("room.handed_over", actor=actor, target=("user", user.pk), room_id=room_id, reason=reason)
    return True


def put_owner(*, session: Session, room_id: UUID, user_id: UUID) -> dict[str, Any]:
    """Make another member an owner in place of the user, who becomes an admin; returns the new owner's Member.

    A hand-over that is so already is left unchanged: the member is an owner, and the user an admin. Raises Problem
    not_found (room, member), room.not_member, room.archived, room.direct, room.role_required or auth.account_disabled.
    """
    with record_events(rooms=[room_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        check_not_direct(actor.room)
        members = Member.objects.joined().filter(room=room_id).select_related("user").with_markers()
        target = members.filter(user=user_id).first()
        is_so = target is not None and target.role == Role.OWNER
        if not (is_so and actor.role == Role.ADMIN):
            check_permission(actor, Permission.SET_ROLES)
        if target is None:
            raise Problem("not_found", "There is no such member.")
        if not target.user.is_active:
            raise Problem("auth.account_disabled", "A user who cannot log in cannot own a room.")
        target.room = actor.room
        if user_id != session.user.id:
            change_role(log, target, Role.OWNER, session.user.id)
            actor.user = session.user
            change_role(log, actor, Role.ADMIN, session.user.id)
        return render_member(target)


def begin_hand_over(user: User) -> None:
    """Queue the hand-over of a user's rooms, in the transaction that deactivates the user."""
    jobs.add_job(JobKind.HAND_OVER, user)


def begin_hand_over_to(user: User) -> list[User]:
    """Queue the hand-over of a reactivated user's rooms that no owner can log in to; returns their owners.

    It is called in the transaction that reactivates the user.
    """
    mine = Member.objects.joined().filter(user=user).values("room")
    owned = Member.objects.joined().filter(room__in=mine, role=Role.OWNER, user__is_active=False)
    owners = list(User.objects.filter(pk__in=owned.values("user")))
    for owner in owners:
        jobs.add_job(JobKind.HAND_OVER, owner)
    return owners


def step(job: Job) -> bool:
    """Hand over the next room of a deactivated user. Returns True when no room is left."""
    owned = Member.objects.filter(user=job.user_id, state=State.JOINED, role=Role.OWNER).exclude(room__kind=Kind.DIRECT)
    last = job.position.get("room")
    rest = owned.filter(room_id__gt=UUID(last)) if last else owned
    room_id = rest.order_by("room_id").values_list("room_id", flat=True).first()
    if room_id is None:
        return True
    with record_events(rooms=[room_id]) as log:
        member = owned.select_related("room", "user").filter(room=room_id).first()
        # The owner may have been reactivated meanwhile; and a member who cannot log in either is no better owner.
        if member and not member.user.is_active and other_members(member).filter(user__is_active=True).exists():
            hand_over(log, member, None)
        jobs.save_position(job, room=str(room_id))
    return False
