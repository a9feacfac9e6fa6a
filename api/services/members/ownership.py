"""Rooms pass to another owner when theirs can no longer log in."""

from uuid import UUID

from django.db.models import Case, When

from accounts.models import User
from api.models import Job, JobKind, Member
from api.models.members import Role, State
from api.models.rooms import Kind
from api.services import jobs
from api.services.members import transitions
from eventlog.transaction import EventTransaction, record_events


def hand_over(log: EventTransaction, member: Member, actor_id: UUID | None) -> None:
    """Give the room of its last owner to its longest-standing admin, else member.

    Members who can log in go first. A deactivated owner stays the owner of a room in which nobody else can.
    """
    if not transitions.is_last_owner(member):
        return
    is_admin = Case(When(role=Role.ADMIN, then=0), default=1)
    heirs = (
        transitions.others_in(member).select_related("user").order_by("-user__is_active", is_admin, "joined_at", "pk")
    )
    heir = heirs.first()
    if heir is not None:
        transitions.give_role(log, heir, Role.OWNER, actor_id)


def begin_hand_over(user: User) -> None:
    """Queue the hand-over, in the transaction that deactivates the user."""
    jobs.add_job(JobKind.HAND_OVER, user)


def begin_hand_over_to(user: User) -> list[User]:
    """Queue the hand-over of rooms to a user who is reactivated in this transaction; the owners, who cannot log in."""
    mine = Member.objects.joined().filter(user=user).values("room")
    owned = Member.objects.joined().filter(room__in=mine, role=Role.OWNER, user__is_active=False)
    owners = list(User.objects.filter(pk__in=owned.values("user")))
    for owner in owners:
        jobs.add_job(JobKind.HAND_OVER, owner)
    return owners


def step(job: Job) -> bool:
    """Hand over the next room of a deactivated user; True when there is none."""
    owned = Member.objects.filter(user=job.user_id, state=State.JOINED, role=Role.OWNER).exclude(room__kind=Kind.DIRECT)
    last = job.position.get("room")
    rest = owned.filter(room_id__gt=UUID(last)) if last else owned
    room_id = rest.order_by("room_id").values_list("room_id", flat=True).first()
    if room_id is None:
        return True
    with record_events(rooms=[room_id]) as log:
        member = owned.select_related("room", "user").filter(room=room_id).first()
        # Not of one who was reactivated meanwhile; nor to somebody who cannot log in either.
        if member and not member.user.is_active and transitions.others_in(member).filter(user__is_active=True).exists():
            hand_over(log, member, None)
        jobs.save_position(job, room=str(room_id))
    return False
