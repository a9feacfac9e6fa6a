"""Direct rooms: one for each pair of users."""

from functools import partial
from typing import Any
from uuid import UUID

from accounts.models import Session
from api.models import Block, Room
from api.models.choices import History, Kind, Role
from api.models.rooms import direct_key
from api.services.members.limits import check_own_rooms
from api.services.members.transitions import find_users
from api.services.rooms.create import open_room
from api.services.rooms.summaries import get_room
from eventlog.locking import RETRY_LOCK_MS, find_or_create
from eventlog.transaction import record_events
from wire.problems import Problem, invalid


def get_or_create_direct(*, session: Session, user_id: UUID) -> tuple[dict[str, Any], bool]:
    """Find or create the room that two users share; returns the Room, and whether it is new.

    Both inboxes are locked before the room is looked up again, so parallel calls create one room. Only the limit of the
    caller applies: otherwise strangers could fill a user's limit and so keep everybody from writing to that user.
    Raises Problem request.invalid (oneself), not_found (user), user.blocked (only for a new room),
    room.limit or limit.invite.
    """
    my_id = session.user.id
    if user_id == my_id:
        raise invalid("user_id", "self", "A direct room needs another user.")
    room = Room(kind=Kind.DIRECT, history=History.SHARED, created_by_id=my_id)
    room.direct_key = direct_key(my_id, user_id)
    room_id, is_new = find_or_create(partial(_find_direct, room), partial(_create_direct, session, room, user_id))
    return get_room(user_id=my_id, room_id=room_id), is_new


def _find_direct(draft: Room) -> tuple[UUID, bool] | None:
    room_id = Room.objects.filter(direct_key=draft.direct_key).values_list("pk", flat=True).first()
    return None if room_id is None else (room_id, False)


def _create_direct(session: Session, room: Room, user_id: UUID) -> tuple[UUID, bool]:
    my_id = session.user.id
    with record_events(inboxes=[my_id, user_id], session=session, lock_timeout_ms=RETRY_LOCK_MS) as log:
        existing = _find_direct(room)
        if existing is not None:
            return existing
        if Block.objects.between(my_id, [user_id]).exists():
            raise Problem("user.blocked")
        users = find_users([my_id, user_id])
        if len(users) < 2:
            raise Problem("not_found", "There is no such user.")
        check_own_rooms(my_id)
        open_room(log, room, [users[my_id], users[user_id]], [Role.MEMBER, Role.MEMBER])
    return room.id, True
