"""Invitations: a user who is invited sees the room from outside, and joins it or declines."""

from collections.abc import Collection
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Count

from accounts.models import Session, User
from api.models import AddedBy, Block, Invite, Room, UserSettings
from api.models.choices import Permission
from api.serializers.authors import Author
from api.serializers.invites import Ending, render_invite
from api.serializers.rooms import room_event_data
from api.services.members.access import find_member, find_writer
from api.services.members.limits import INVITES, find_full
from api.services.members.transitions import (
    check_not_direct,
    check_permission,
    end_invite,
    find_users,
    is_banned,
)
from eventlog.locking import RETRY_LOCK_MS, find_or_create
from eventlog.models import Epoch
from eventlog.transaction import EventTransaction, record_events
from wire.pagination import paginate
from wire.problems import Problem, define

MAX_OF_USER = 200  # open ones; a further one takes the place of the oldest
MAX_OF_ROOM = 1_000

define("room.already_member", 409, "The user is a member of the room already")
define("invite.limit", 409, "The room has too many open invitations")


def put_invite(*, session: Session, room_id: UUID, user_id: UUID) -> dict[str, Any]:
    """Invite a user, and return the Invite; an open invitation of the user is returned as it is.

    Raises Problem not_found (room, user), room.not_member, room.archived, room.direct, room.role_required,
    room.already_member, room.user_banned, invite.limit or limit.invite.
    """
    find = partial(_find_invited, session.user.id, room_id, user_id)
    return find_or_create(find, partial(_invite, session, room_id, user_id))


def _find_invited(actor_id: UUID, room_id: UUID, user_id: UUID) -> dict[str, Any] | None:
    actor = find_writer(actor_id, room_id)
    check_not_direct(actor.room)
    check_permission(actor, Permission.INVITE)
    invite = find_open_invite(actor.room, user_id)
    return render_invite(invite) if invite else None


def _invite(session: Session, room_id: UUID, user_id: UUID) -> dict[str, Any]:
    rooms = {room_id, *rooms_of_surplus([user_id])}
    with record_events(rooms=rooms, inboxes=[user_id], session=session, lock_timeout_ms=RETRY_LOCK_MS) as log:
        existing = _find_invited(session.user.id, room_id, user_id)
        if existing is not None:
            return existing
        room = Room.objects.get(pk=room_id)
        user = find_users([user_id]).get(user_id)
        if user is None:
            raise Problem("not_found", "There is no such user.")
        if room.members.joined().filter(user=user).exists():
            raise Problem("room.already_member")
        check_may_reach(room, session.user.id, user_id)
        INVITES.take(str(session.user.id))
        return render_invite(append_invite(log, room, user, session.user))


def check_may_reach(room: Room, actor_id: UUID, user_id: UUID) -> None:
    """Raise Problem user.blocked or room.user_banned if the actor may neither add nor invite this user."""
    if find_blockers(actor_id, [user_id]):
        raise Problem("user.blocked")
    if is_banned(room, user_id):
        raise Problem("room.user_banned")


def find_blockers(actor_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
    """Find those of these users who block the actor: the actor can neither add nor invite them."""
    return Block.objects.against(actor_id, user_ids)


def find_unplaceable(user_ids: Collection[UUID]) -> set[UUID]:
    """Find those of these users whom nobody can add to a room: they are invited instead."""
    asked = UserSettings.objects.filter(user__in=user_ids, added_by=AddedBy.NOBODY)
    return find_full(user_ids) | set(asked.values_list("user_id", flat=True))


def append_invite(log: EventTransaction, room: Room, user: User, inviter: User) -> Invite:
    """Insert an invitation and append its events, under the locks of the room's head and the user's inbox.

    The oldest of too many invitations of the user ends; `rooms_of_surplus` names the room whose head that needs.
    """
    if room.invites.open().count() >= MAX_OF_ROOM:
        raise Problem("invite.limit", f"A room has at most {MAX_OF_ROOM} open invitations.")
    for oldest in _find_surplus([user.pk]):
        if oldest.room_id not in log.heads:  # it was another one before the lock
            raise Problem("unavailable", "The invitations of this user have just changed. Try again.")
        end_invite(log, oldest, Ending.WITHDRAWN, None)
    seq = log.next_seq(room.pk)
    invite = Invite.objects.create(room=room, user=user, invited_by=inviter, created_at=log.at, created_seq=seq)
    authors = {"user": Author.of(user)._asdict(), "invited_by": Author.of(inviter)._asdict()}
    log.append(room.pk, "invite.created", inviter.pk, authors)
    snapshot = room_event_data(room, Epoch.current())
    log.append(user.pk, "room.invited", inviter.pk, {**render_invite(invite), "room": snapshot})
    return invite


def rooms_of_surplus(user_ids: Collection[UUID]) -> set[UUID]:
    """Return the rooms of the invitations that end when these users are invited once more: lock their heads, too."""
    return {invite.room_id for invite in _find_surplus(user_ids)}


def _find_surplus(user_ids: Collection[UUID]) -> list[Invite]:
    """Find the oldest invitation of each of these users who has MAX_OF_USER."""
    invites = Invite.objects.open().filter(user__in=user_ids)
    full = invites.values("user").annotate(number=Count("pk")).filter(number__gte=MAX_OF_USER)
    by_age = invites.select_related("user").order_by("created_at", "pk")
    oldest = (by_age.filter(user=user_id).first() for user_id in full.values_list("user", flat=True))
    return [invite for invite in oldest if invite is not None]


def withdraw_invite(*, session: Session, room_id: UUID, user_id: UUID) -> None:
    """End an invitation; without one nothing changes.

    Raises Problem not_found, room.not_member, room.archived, room.direct or room.role_required.
    """
    with record_events(rooms=[room_id], inboxes=[user_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        check_not_direct(actor.room)
        check_permission(actor, Permission.INVITE)
        if invite := find_open_invite(actor.room, user_id):
            end_invite(log, invite, Ending.WITHDRAWN, session.user.id)


def decline_invite(*, session: Session, room_id: UUID) -> None:
    """End the user's own invitation. Raises Problem not_found or room.not_member if there is none."""
    user_id = session.user.id
    with record_events(rooms=[room_id], inboxes=[user_id], session=session) as log:
        invite = Invite.objects.open().filter(room=room_id, user=user_id).select_related("user").first()
        if invite is None:
            find_member(user_id, room_id)
            raise Problem("not_found", "You are not invited to this room.")
        end_invite(log, invite, Ending.DECLINED, user_id)


def list_invites(*, user_id: UUID, room_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """Return a page of the room's open invitations, the oldest first. Raises Problem not_found or room.not_member."""
    room = find_member(user_id, room_id).room
    invites = room.invites.open().select_related("user", "invited_by")
    page = paginate(invites, order=["created_at", "id"], cursor=cursor, limit=limit)
    return page.as_dict(lambda rows: [render_invite(invite) for invite in rows])


def find_open_invite(room: Room, user_id: UUID) -> Invite | None:
    """Find the open invitation of a user to a room, with its users."""
    return room.invites.open().filter(user=user_id).select_related("user", "invited_by").first()
