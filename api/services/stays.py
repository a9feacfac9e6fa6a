"""A stay of a user in a room begins and ends: its rows, its event in the room, and word of it in the user's inbox."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Count, QuerySet

from accounts.models import User
from api.events import Log
from api.models import Epoch, Interval, Member, Room
from api.models.members import Role, State
from api.models.rooms import Kind
from api.serializers.members import render_member
from api.serializers.messages import Author
from api.serializers.rooms import room_event_data
from wire.problems import Problem, define

# A device syncs all rooms of its user; a thousand are a second's work and more than anybody reads.
MAX_ROOMS = 1_000

define("room.limit", 409, "Too many rooms")
define("room.direct", 403, "A direct room stays as it is")
define("room.last_owner", 409, "A room with members needs an owner")
define("room.role_required", 403, "Your role does not allow this")


def begin_together(log: Log, room: Room, users: Sequence[User], roles: Sequence[Role]) -> None:
    """The first stays of a new room, all from seq 1; the room's own event names them."""
    Member.objects.bulk_create(
        Member(room=room, user=user, role=role, joined_at=log.at, joined_seq=1, read_seq=1)
        for user, role in zip(users, roles, strict=True)
    )
    Interval.objects.bulk_create(Interval(room=room, user=user, joined_seq=1) for user in users)


def begin(log: Log, room: Room, user: User, role: Role, actor_id: UUID) -> Member:
    """Let a user into a room whose head and whose user's inbox are locked; the row of an earlier stay is used again."""
    member = Member.objects.filter(room=room, user=user).first() or Member(room=room, user=user)
    member.room, member.user = room, user
    member.role, member.state, member.left_seq = role, State.JOINED, None
    member.joined_at = log.at
    member.joined_seq = member.read_seq = log.next_seq(room.id)
    member.save()
    Interval.objects.create(room=room, user=user, joined_seq=member.joined_seq)
    _count(room, +1)
    log.append(room.id, "member.joined", actor_id, render_member(member))
    tell_added(log, room, [user], actor_id, seq=member.joined_seq)
    return member


def end(log: Log, member: Member, state: State, actor_id: UUID) -> None:
    """Let a member go, as `left` or `removed`. Who goes last takes the light with them: the room is archived."""
    room = member.room
    member.state, member.left_seq = state, log.next_seq(room.id)
    member.save(update_fields=["state", "left_seq"])
    Interval.objects.filter(room=room, user=member.user_id, left_seq=None).update(left_seq=member.left_seq)
    _count(room, -1)
    log.append(room.id, f"member.{state}", actor_id, render_member(member))
    # A room that nobody made (the lobby) is nobody's again: the next to join owns it.
    if room.member_count == 0 and room.created_by_id is not None and not room.is_archived:
        archive(log, room, actor_id)
    told = {**room_event_data(room, Epoch.current()), "seq": member.left_seq, "reason": state.value}
    log.append(member.user_id, "room.removed", actor_id, told)


def archive(log: Log, room: Room, actor_id: UUID) -> None:
    """Close a room for writing, for ever."""
    room.archived_at = log.at
    room.save(update_fields=["archived_at"])
    log.append(room.id, "room.archived", actor_id, room_event_data(room, Epoch.current()))


def give_role(log: Log, member: Member, role: Role, actor_id: UUID | None) -> None:
    """Change what a member may do; nothing happens when it is so already."""
    if member.role == role:
        return
    member.role = role
    member.save(update_fields=["role"])
    log.append(member.room_id, "member.role_changed", actor_id, render_member(member))


def tell_added(log: Log, room: Room, users: Sequence[User], actor_id: UUID | None, seq: int) -> None:
    """Write room.added to the inboxes of new members; `seq` is that of their own join, where their live stream begins.

    In a direct room the two members join together, and each has the other as the peer.
    """
    told = {**room_event_data(room, Epoch.current()), "seq": seq}
    for user in users:
        peer = next((other for other in users if other != user), None) if room.kind == Kind.DIRECT else None
        log.append(user.id, "room.added", actor_id, {**told, "peer": Author.of(peer)._asdict() if peer else None})


def find_users(user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Those of the users who exist and have not deleted their account."""
    return {user.id: user for user in User.objects.filter(pk__in=user_ids, deleted_at=None)}


def refuse_full(user_ids: Collection[UUID]) -> None:
    """Raise Problem room.limit if one of these users is in as many rooms as a user may be.

    Exact, because every join holds the lock of the joiner's inbox.
    """
    counts = Member.objects.filter(user__in=user_ids, state=State.JOINED).values("user").annotate(rooms=Count("pk"))
    full = counts.filter(rooms__gte=MAX_ROOMS).values_list("user", flat=True).order_by("user").first()
    if full is not None:
        raise Problem("room.limit", f"The user {full} is in {MAX_ROOMS} rooms, and more are not allowed.")


def refuse_direct(room: Room) -> None:
    """Raise Problem room.direct for a room whose two members are fixed."""
    if room.kind == Kind.DIRECT:
        raise Problem("room.direct", "The two members of a direct room are fixed, and nothing of it can be changed.")


def require(member: Member, power: str) -> None:
    """Raise Problem room.role_required unless the member has this power of `me.can`."""
    if power not in member.can():
        raise Problem("room.role_required", f"This needs the power {power}, which your role lacks.")


def is_last_owner(member: Member) -> bool:
    """Whether the room would have no owner who can log in without this member."""
    owners = others_in(member).filter(role=Role.OWNER, user__is_active=True)
    return member.role == Role.OWNER and not owners.exists()


def others_in(member: Member) -> QuerySet[Member]:
    """Everybody else who is in the room now."""
    return Member.objects.filter(room=member.room_id, state=State.JOINED).exclude(pk=member.pk)


def _count(room: Room, change: int) -> None:
    room.member_count += change
    room.save(update_fields=["member_count"])
