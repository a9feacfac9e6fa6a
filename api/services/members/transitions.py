"""A stay of a user in a room begins and ends: its rows, its event in the room, and word of it in the user's inbox."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, QuerySet

from accounts.models import User
from api.models import Member, MembershipPeriod, Room
from api.models.members import Role, State
from api.models.rooms import Kind
from api.serializers.members import render_member
from api.serializers.messages import Author
from api.serializers.rooms import room_event_data
from eventlog.models import Epoch
from eventlog.transaction import EventTransaction
from wire.problems import Problem, define
from wire.rate_limits import Rate, RateLimit
from wire.row_tables import rows_as_table

# A device syncs all rooms of its user; a thousand are a second's work and more than anybody reads.
MAX_ROOMS = 1_000  # that a user made, joined or wrote in
MAX_PLACED = 1_000  # beside them, into which others put the user: others never use up what is the user's own

# Additions and new direct rooms: twenty an hour, a hundred at once. Each added user counts.
INVITES = RateLimit(Rate("invite", 100, 18_000, "account"))

define("room.limit", 409, "Too many rooms")
define("room.direct", 403, "A direct room stays as it is")
define("room.last_owner", 409, "A room with members needs an owner")
define("room.role_required", 403, "Your role does not allow this")


def begin_together(log: EventTransaction, room: Room, users: Sequence[User], roles: Sequence[Role]) -> None:
    """The first stays of a new room, all from seq 1; the room's own event names them."""
    members = [
        Member(room=room, user=user, role=role, joined_at=log.at, joined_seq=1, read_seq=1)
        for user, role in zip(users, roles, strict=True)
    ]
    for member in members:
        member.put_by_other = member.user_id != room.created_by_id
        if member.put_by_other and room.kind == Kind.DIRECT:
            member.hidden_seq = 0
    Member.objects.bulk_create(members)
    MembershipPeriod.objects.bulk_create(MembershipPeriod(room=room, user=user, joined_seq=1) for user in users)


def begin(log: EventTransaction, room: Room, user: User, role: Role, actor_id: UUID) -> Member:
    """Let a user into a room whose head and whose user's inbox are locked; the row of an earlier stay is used again."""
    member = Member.objects.filter(room=room, user=user).first() or Member(room=room, user=user)
    member.room, member.user = room, user
    member.role, member.state, member.left_seq = role, State.JOINED, None
    member.put_by_other, member.hidden_seq = actor_id != user.id, None
    member.joined_at = log.at
    member.joined_seq = member.read_seq = log.next_seq(room.id)
    member.save()
    MembershipPeriod.objects.create(room=room, user=user, joined_seq=member.joined_seq)
    _count(room, +1)
    log.append(room.id, "member.joined", actor_id, render_member(member))
    tell_added(log, room, [user], actor_id, seq=member.joined_seq)
    return member


def end(log: EventTransaction, member: Member, state: State, actor_id: UUID) -> None:
    """End a membership, as `left` or `removed`. When the last member leaves, the room is archived."""
    room = member.room
    member.state, member.left_seq = state, log.next_seq(room.id)
    member.save(update_fields=["state", "left_seq"])
    MembershipPeriod.objects.filter(room=room, user=member.user_id, left_seq=None).update(left_seq=member.left_seq)
    _count(room, -1)
    log.append(room.id, f"member.{state}", actor_id, render_member(member))
    # A room that nobody made (the lobby) is nobody's again: the next to join owns it.
    if room.member_count == 0 and room.created_by_id is not None and not room.is_archived:
        archive(log, room, actor_id)
    told = {**room_event_data(room, Epoch.current()), "seq": member.left_seq, "reason": state.value}
    log.append(member.user_id, "room.removed", actor_id, told)


def archive(log: EventTransaction, room: Room, actor_id: UUID) -> None:
    """Close a room for writing; its slug is free for others."""
    room.archived_at, room.slug, room.former_slug = log.at, None, room.slug
    room.save(update_fields=["archived_at", "slug", "former_slug"])
    log.append(room.id, "room.archived", actor_id, room_event_data(room, Epoch.current()))


def unarchive(log: EventTransaction, room: Room, actor_id: UUID) -> None:
    """Open a room for writing again, with its former slug unless another room has taken it."""
    room.archived_at, room.slug, room.former_slug = None, room.former_slug, None
    changed = ["archived_at", "slug", "former_slug"]
    try:
        with transaction.atomic():
            room.save(update_fields=changed)
    except IntegrityError:
        room.slug = None
        room.save(update_fields=changed)
    log.append(room.id, "room.unarchived", actor_id, room_event_data(room, Epoch.current()))


def give_role(log: EventTransaction, member: Member, role: Role, actor_id: UUID | None) -> None:
    """Change what a member may do; nothing happens when it is so already."""
    if member.role == role:
        return
    member.role = role
    member.save(update_fields=["role"])
    log.append(member.room_id, "member.role_changed", actor_id, render_member(member))


def tell_added(log: EventTransaction, room: Room, users: Sequence[User], actor_id: UUID | None, seq: int) -> None:
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


def refuse_full(user_id: UUID) -> None:
    """Raise Problem room.limit if the user has as many rooms of their own as a user may have.

    Every join holds the lock of the joiner's inbox, so parallel joins do not pass the limit together.
    """
    if is_full(user_id):
        raise Problem(
            "room.limit", f"You are in {MAX_ROOMS} rooms. Leave one, or hide a direct room, to enter another."
        )


def is_full(user_id: UUID) -> bool:
    """Return whether the user has as many rooms of their own as a user may have."""
    return Member.objects.joined().filter(user=user_id, put_by_other=False).count() >= MAX_ROOMS


def refuse_placing(user_ids: Collection[UUID]) -> None:
    """Raise Problem room.limit if others have put one of these users into as many rooms as they may.

    The refusal does not say who it is, and no number: the rooms of a user are not for others to count.
    """
    counts = Member.objects.placed_by_others().filter(user__in=user_ids).values("user").annotate(rooms=Count("pk"))
    if counts.filter(rooms__gte=MAX_PLACED).exists():
        raise Problem("room.limit", "This cannot be done for now: not everybody named here can be added to a room.")


MEMBER = Member._meta.db_table

# The count keeps the limit: in a thousand rooms of one's own, a room in which one writes stays as it is.
_MAKE_OWN = f"""UPDATE {MEMBER} SET put_by_other = false FROM {{placed}}
               WHERE {MEMBER}.room_id = placed.room_id AND {MEMBER}.user_id = placed.user_id
               AND (SELECT COUNT(*) FROM {MEMBER} own WHERE own.user_id = placed.user_id
                    AND own.state = 'joined' AND NOT own.put_by_other) < %s"""


def make_own(memberships: Collection[tuple[UUID, UUID]]) -> None:
    """Count rooms into which others put their members as the members' own from now on; by room and user."""
    placed, parameters = rows_as_table(
        "placed",
        room_id=("uuid", [room for room, _ in memberships]),
        user_id=("uuid", [user for _, user in memberships]),
    )
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_OWN.format(placed=placed), [*parameters, MAX_ROOMS])


def refuse_direct(room: Room) -> None:
    """Raise Problem room.direct for a room whose two members are fixed."""
    if room.kind == Kind.DIRECT:
        raise Problem("room.direct", "The two members of a direct room are fixed, and nothing of it can be changed.")


def require(member: Member, power: str) -> None:
    """Raise Problem room.role_required unless the member has this power of `me.can`."""
    if power not in member.can():
        raise Problem("room.role_required", f"This needs the power {power}, which your role lacks.")


def is_last_owner(member: Member) -> bool:
    """Return whether the room would have no owner who can log in without this member."""
    owners = others_in(member).filter(role=Role.OWNER, user__is_active=True)
    return member.role == Role.OWNER and not owners.exists()


def others_in(member: Member) -> QuerySet[Member]:
    """Everybody else who is in the room now."""
    return Member.objects.filter(room=member.room_id, state=State.JOINED).exclude(pk=member.pk)


def _count(room: Room, change: int) -> None:
    room.member_count += change
    room.save(update_fields=["member_count"])
