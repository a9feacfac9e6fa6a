"""Joining a room: a public one by its id or its slug, and any after an invitation."""

from functools import partial
from typing import Any
from uuid import UUID

from accounts.models import Session, User
from api.models import Member, Room
from api.models.choices import History, Kind, Role, State
from api.serializers.rooms import SLUG_RULE, fold_slug
from api.services.members.limits import check_own_rooms, make_own
from api.services.members.transitions import begin_membership, is_banned
from api.services.rooms.create import insert_room
from api.services.rooms.slugs import find_room_id
from api.services.rooms.summaries import get_room
from eventlog.locking import RETRY_LOCK_MS, find_or_create
from eventlog.transaction import EventTransaction, record_events
from wire.problems import Problem, invalid


def join_room(*, session: Session, room_id: UUID) -> dict[str, Any]:
    """Join a public room, or accept an invitation; returns the Room.

    If no owner of a public room can log in, the user becomes the owner. A member whom somebody else added accepts the
    room by this: it counts as one of the member's own. For any other member nothing changes. Raises Problem not_found,
    room.banned, room.archived or room.limit.
    """
    find_or_create(partial(_find_own_membership, session.user.id, room_id), partial(_join, session, room_id))
    return get_room(user_id=session.user.id, room_id=room_id)


def room_for_slug(*, session: Session, slug: str) -> dict[str, Any]:
    """Find or create the public room of this slug, and join it; returns the Room.

    Raises Problem request.invalid (slug), room.banned or room.limit.
    """
    folded = fold_slug(slug)
    if folded is None:
        raise invalid("slug", "invalid", SLUG_RULE)
    room_id, _ = find_or_create(partial(_find_by_slug, folded), partial(_create_with_slug, session, folded))
    room = get_room(user_id=session.user.id, room_id=room_id)
    if room["me"]["state"] == State.JOINED:
        return room
    try:
        return join_room(session=session, room_id=room_id)
    except Problem as problem:
        if problem.code != "room.archived":
            raise
    # The room was archived after it was found, so its slug is free.
    return room_for_slug(session=session, slug=folded)


def _find_own_membership(user_id: UUID, room_id: UUID) -> bool | None:
    """Return True if joining changes nothing, else None."""
    own = Member.objects.joined().filter(user=user_id, room=room_id, put_by_other=False, room__archived_at=None)
    return True if own.exists() else None


def _join(session: Session, room_id: UUID) -> bool:
    user = session.user
    with record_events(rooms=[room_id], inboxes=[user.id], session=session, lock_timeout_ms=RETRY_LOCK_MS) as log:
        room = Room.objects.visible_to(user.id).filter(pk=room_id).first()
        if room is None:
            raise Problem("not_found", "There is no such room.")
        if not room.is_archived and room.members.joined().filter(user=user).exists():
            make_own([(room_id, user.id)])
        else:
            enter_room(log, room, user)
    return True


def enter_room(log: EventTransaction, room: Room, user: User) -> None:
    """Begin the membership of a user who comes by themselves, under the locks of the room's head and their inbox.

    If no owner of a public room can log in, the user becomes the owner. Raises Problem room.banned, room.archived or
    room.limit.
    """
    if is_banned(room, user.id):
        raise Problem("room.banned")
    if room.is_archived:
        raise Problem("room.archived", "The room is archived.")
    check_own_rooms(user.id)
    has_owner = room.members.joined().filter(role=Role.OWNER, user__is_active=True).exists()
    begins_as = Role.OWNER if room.kind == Kind.PUBLIC and not has_owner else Role.MEMBER
    begin_membership(log, room, user, begins_as, user.id)


def _find_by_slug(slug: str) -> tuple[UUID, bool] | None:
    room_id = find_room_id(slug)
    return None if room_id is None else (room_id, False)


def _create_with_slug(session: Session, slug: str) -> tuple[UUID, bool]:
    room = Room(kind=Kind.PUBLIC, name=slug, slug=slug, history=History.SHARED, created_by_id=session.user.id)
    try:
        return insert_room(session, room, [session.user.id])
    except Problem as problem:
        existing = _find_by_slug(slug)
        if problem.code != "room.slug_taken" or existing is None:
            raise
        return existing  # another request has created it since
