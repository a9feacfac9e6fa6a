"""Transitions of memberships and rooms: each changes the rows and appends the events to the room and the inboxes."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import User
from api.models import Ban, Draft, Invite, Member, MembershipPeriod, Room, UserSettings
from api.models.choices import Kind, Permission, Role, State
from api.serializers.authors import Author
from api.serializers.invites import Ending
from api.serializers.members import render_member
from api.serializers.rooms import room_event_data
from eventlog.models import Epoch
from eventlog.transaction import EventTransaction
from wire.problems import Problem, define

define("room.direct", 403, "A direct room cannot be changed")
define("room.last_owner", 409, "A room with members needs an owner")
define("room.role_required", 403, "Your role does not allow this")
define("room.banned", 403, "You are banned from this room")
define("room.user_banned", 409, "The user is banned from this room")


def begin_first_memberships(log: EventTransaction, room: Room, users: Sequence[User], roles: Sequence[Role]) -> None:
    """Begin the memberships of a new room, all at seq 1; the data of room.created contains them."""
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


def begin_membership(log: EventTransaction, room: Room, user: User, role: Role, actor_id: UUID | None) -> Member:
    """Add a user to a room, under the locks of the room's head and the user's inbox.

    A user who was a member before keeps the row and gets a new membership period. An invitation of the user ends.
    """
    invite = Invite.objects.open().filter(room=room, user=user).first()
    if invite is not None:
        invite.user = user
        end_invite(log, invite, Ending.ACCEPTED, actor_id)
    member = Member.objects.filter(room=room, user=user).with_markers().first() or Member(room=room, user=user)
    member.room, member.user = room, user
    member.role, member.state, member.left_seq = role, State.JOINED, None
    member.put_by_other, member.hidden_seq = actor_id != user.id, None
    member.joined_at = log.at
    member.joined_seq = member.read_seq = log.next_seq(room.id)
    member.delivered_seq, member.shares_read = member.delivered_seq or 0, _shares_read(member)
    member.save()
    MembershipPeriod.objects.create(room=room, user=user, joined_seq=member.joined_seq)
    has_other_mode = _change_member_count(room, +1)
    log.append(room.id, "member.joined", actor_id, render_member(member))
    if has_other_mode:
        log.append(room.id, "room.updated", actor_id, room_event_data(room, Epoch.current()))
    append_room_added(log, room, [user], actor_id, seq=member.joined_seq)
    return member


def end_membership(log: EventTransaction, member: Member, state: State, actor_id: UUID | None) -> None:
    """End a membership, as `left`, `removed` or `banned`. When the last member leaves, the room is archived."""
    room = member.room
    member.state, member.left_seq = state, log.next_seq(room.id)
    member.save(update_fields=["state", "left_seq"])
    MembershipPeriod.objects.filter(room=room, user=member.user_id, left_seq=None).update(left_seq=member.left_seq)
    Draft.objects.filter(room=room, user=member.user_id).delete()
    has_other_mode = _change_member_count(room, -1)
    event_type = "member.left" if state == State.LEFT else "member.removed"
    member.shares_read = _shares_read(member)
    log.append(room.id, event_type, actor_id, render_member(member))
    if has_other_mode:
        log.append(room.id, "room.updated", actor_id, room_event_data(room, Epoch.current()))
    # The lobby has no creator: it is not archived without members, and the next user who joins owns it.
    if room.member_count == 0 and room.created_by_id is not None and not room.is_archived:
        archive(log, room, actor_id)
    data = {**room_event_data(room, Epoch.current()), "seq": member.left_seq, "reason": state.value}
    log.append(member.user_id, "room.removed", actor_id, data)


def end_invite(log: EventTransaction, invite: Invite, ending: Ending, actor_id: UUID | None) -> None:
    """End an invitation, whose user is loaded, under the locks of the room's head and the user's inbox."""
    invite.ended_at = log.at
    invite.save(update_fields=["ended_at"])
    user = Author.of(invite.user)._asdict()
    log.append(invite.room_id, "invite.ended", actor_id, {"user": user, "reason": ending})
    log.append(invite.user_id, "room.uninvited", actor_id, {"room_id": invite.room_id, "reason": ending})


def change_role(log: EventTransaction, member: Member, role: Role, actor_id: UUID | None) -> None:
    """Give a member this role. A member who has it already is left unchanged, without an event."""
    if member.role == role:
        return
    member.role = role
    member.save(update_fields=["role"])
    member.shares_read = _shares_read(member)
    log.append(member.room_id, "member.role_changed", actor_id, render_member(member))


def archive(log: EventTransaction, room: Room, actor_id: UUID | None) -> None:
    """Make a room read-only and free its slug for other rooms."""
    room.archived_at, room.slug, room.former_slug = log.at, None, room.slug
    room.save(update_fields=["archived_at", "slug", "former_slug"])
    log.append(room.id, "room.archived", actor_id, room_event_data(room, Epoch.current()))


def unarchive(log: EventTransaction, room: Room, actor_id: UUID) -> None:
    """Make a room writable again, with its former slug unless another room has taken it."""
    room.archived_at, room.slug, room.former_slug = None, room.former_slug, None
    changed = ["archived_at", "slug", "former_slug"]
    try:
        with transaction.atomic():
            room.save(update_fields=changed)
    except IntegrityError:
        room.slug = None
        room.save(update_fields=changed)
    log.append(room.id, "room.unarchived", actor_id, room_event_data(room, Epoch.current()))


def append_room_added(
    log: EventTransaction, room: Room, users: Sequence[User], actor_id: UUID | None, seq: int
) -> None:
    """Append room.added to the inboxes of new members; `seq` is that of the join, where their live stream begins.

    The two members of a direct room join at once, and each event has the other member as `peer`.
    """
    data = {**room_event_data(room, Epoch.current()), "seq": seq}
    for user in users:
        peer = next((other for other in users if other != user), None) if room.kind == Kind.DIRECT else None
        log.append(user.id, "room.added", actor_id, {**data, "peer": Author.of(peer)._asdict() if peer else None})


def find_users(user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Find the users who exist and have not deleted their account, by id."""
    return {user.id: user for user in User.objects.filter(pk__in=user_ids, deleted_at=None)}


def check_not_direct(room: Room) -> None:
    """Raise Problem room.direct for a direct room, of which nothing can be changed."""
    if room.kind == Kind.DIRECT:
        raise Problem("room.direct", "The two members of a direct room are fixed, and nothing of it can be changed.")


def is_banned(room: Room, user_id: UUID) -> bool:
    """Return whether a ban of the user is in force."""
    return Ban.objects.in_force().filter(room=room, user=user_id).exists()


def check_permission(member: Member, permission: Permission) -> None:
    """Raise Problem room.role_required unless the member has this permission."""
    if permission not in member.can():
        raise Problem("room.role_required", f"This needs the permission {permission}, which your role does not have.")


def is_last_owner(member: Member) -> bool:
    """Return whether the member is the only owner of the room who can log in."""
    owners = other_members(member).filter(role=Role.OWNER, user__is_active=True)
    return member.role == Role.OWNER and not owners.exists()


def other_members(member: Member) -> QuerySet[Member]:
    """Find the current members of the room except this one."""
    return Member.objects.joined().filter(room=member.room_id).exclude(pk=member.pk)


def _change_member_count(room: Room, change: int) -> bool:
    """Save the number of members; return whether the room has another mode with it."""
    has_other_mode = room.count_members(change)
    room.save(update_fields=["member_count", "is_large"])
    return has_other_mode


def _shares_read(member: Member) -> bool:
    return not UserSettings.objects.filter(pk=member.user_id, share_read=False).exists()
