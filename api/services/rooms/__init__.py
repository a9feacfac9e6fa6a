"""Rooms: creating, changing, joining and archiving them, and their summaries for one viewer."""

from api.services.rooms.archive import archive_by_operator, archive_room, unarchive_room
from api.services.rooms.change import update_room, update_room_me
from api.services.rooms.create import create_room, create_room_of
from api.services.rooms.direct import get_or_create_direct
from api.services.rooms.directory import list_directory
from api.services.rooms.join import join_room, room_for_slug
from api.services.rooms.lobby import LOBBY, ensure_lobby
from api.services.rooms.slugs import find_room_id
from api.services.rooms.summaries import get_room, list_rooms

__all__ = [
    "LOBBY",
    "archive_by_operator",
    "archive_room",
    "create_room",
    "create_room_of",
    "ensure_lobby",
    "find_room_id",
    "get_or_create_direct",
    "get_room",
    "join_room",
    "list_directory",
    "list_rooms",
    "room_for_slug",
    "unarchive_room",
    "update_room",
    "update_room_me",
]
