"""Rooms: creating, changing, joining and archiving them, links to them, and their summaries for one viewer."""

from api.services.rooms.archive import archive_by_operator, archive_room, unarchive_room
from api.services.rooms.change import update_room, update_room_me
from api.services.rooms.create import create_room, create_room_of
from api.services.rooms.direct import get_or_create_direct
from api.services.rooms.directory import list_directory
from api.services.rooms.invites import list_my_invites
from api.services.rooms.join import join_room, room_for_slug
from api.services.rooms.links import (
    create_link,
    delete_link,
    get_link,
    get_room_link,
    join_by_link,
    list_links,
    purge_links,
)
from api.services.rooms.lobby import LOBBY, ensure_lobby
from api.services.rooms.slugs import find_room_id
from api.services.rooms.summaries import get_room, list_rooms

__all__ = [
    "LOBBY",
    "archive_by_operator",
    "archive_room",
    "create_link",
    "create_room",
    "create_room_of",
    "delete_link",
    "ensure_lobby",
    "find_room_id",
    "get_link",
    "get_or_create_direct",
    "get_room",
    "get_room_link",
    "join_by_link",
    "join_room",
    "list_directory",
    "list_links",
    "list_my_invites",
    "list_rooms",
    "purge_links",
    "room_for_slug",
    "unarchive_room",
    "update_room",
    "update_room_me",
]
