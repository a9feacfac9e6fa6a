"""The lobby: the public room of a fresh server."""

from django.db import IntegrityError

from api.models import Room
from api.models.choices import History, Kind
from api.services.rooms.create import open_room
from api.services.rooms.slugs import find_room_id
from eventlog.transaction import record_events

LOBBY = "lobby"


def ensure_lobby() -> None:
    """Create the lobby if it does not exist. It has no owner until the first user joins."""
    if find_room_id(LOBBY) is not None:
        return
    room = Room(kind=Kind.PUBLIC, name="Lobby", slug=LOBBY, history=History.SHARED)
    try:
        with record_events() as log:
            open_room(log, room, [], [])
    except IntegrityError:
        if find_room_id(LOBBY) is None:  # else another process has just created it
            raise
