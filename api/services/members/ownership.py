"""Ownership: a room gets another owner when its owner leaves or can no longer log in."""

from uuid import UUID

from django.db.models import Case, When

from accounts.models import User
from api.models import Job, JobKind, Member
from api.models.choices import Kind, Role, State
from api.services import jobs
from api.services.members.transitions import change_role, is_last_owner, other_members
from eventlog.transaction import EventTransaction, record_events


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
