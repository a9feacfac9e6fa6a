"""Archiving a room, and unarchiving it."""

from typing import Any
from uuid import UUID

from accounts import audit
from accounts.models import Session
from api.models import Room
from api.models.choices import Permission
from api.services.members.access import find_member, find_writer
from api.services.members.transitions import archive, check_not_direct, check_permission, unarchive
from api.services.rooms.summaries import get_room
from eventlog.transaction import record_events
from wire.problems import Problem


def archive_room(*, session: Session, room_id: UUID) -> None:
    """Make the room read-only and free its slug for other rooms.

    Raises Problem not_found, room.not_member, room.archived, room.direct or room.role_required.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = find_writer(session.user.id, room_id)
        check_not_direct(member.room)
        check_permission(member, Permission.ARCHIVE)
        archive(log, member.room, session.user.id)


def archive_by_operator(*, room_id: UUID, actor: str) -> bool:
    """Archive a room, whoever its owners are; the event has no actor. Returns False if it is archived.

    Raises Problem not_found or room.direct.
    """
    with record_events(rooms=[room_id]) as log:
        room = Room.objects.filter(pk=room_id).first()
        if room is None:
            raise Problem("not_found")
        check_not_direct(room)
        if not room.is_archived:
            archive(log, room, None)
            audit.record("room.archived", actor=actor, target=("room", room_id), room_id=room_id)
            return True
    return False


def unarchive_room(*, session: Session, room_id: UUID) -> dict[str, Any]:
    """Make an archived room writable again, with its slug if that is free; returns the Room.

    A room that is not archived is left unchanged. Raises Problem not_found, room.not_member, room.direct or
    room.role_required.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = find_member(session.user.id, room_id)
        check_not_direct(member.room)
        check_permission(member, Permission.UNARCHIVE if member.room.is_archived else Permission.ARCHIVE)
        if member.room.is_archived:
            unarchive(log, member.room, session.user.id)
    return get_room(user_id=session.user.id, room_id=room_id)
