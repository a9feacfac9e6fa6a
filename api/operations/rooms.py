"""Rooms."""

from api.operations import CHANGES_ROOM, NON_MEMBER
from api.serializers.members import MemberSerializer
from api.serializers.rooms import (
    CreateRoomBody,
    DirectoryQuery,
    PutOwnerBody,
    RoomMeSerializer,
    RoomSerializer,
    RoomsQuery,
    UpdateRoomBody,
    UpdateRoomMeBody,
)
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.schema import page_of

LIST_ROOMS = Operation(
    "list_rooms",
    "List my rooms, newest message first",
    tag="rooms",
    cost=Cost.READ,
    query=RoomsQuery,
    reply=page_of(RoomSerializer),
    description=(
        "Ordered by last_message_at, and by created_at before the first message. A room that moves up while you page "
        "comes (again) on the last page: no room is missed, and some come twice. Identify rooms by id. Archived and "
        "hidden rooms are left out, unless a parameter selects them. A page ends at 1 MiB; `next` is set then."
    ),
)

CREATE_ROOM = Operation(
    "create_room",
    "Create a room; a retry with the same client_id returns the first one",
    tag="rooms",
    cost=Cost.WRITE,
    body=CreateRoomBody,
    reply=RoomSerializer,
    statuses=(201, 200),
    problems=("room.client_id_reused", "room.slug_taken", "room.limit", "invite.limit", "limit.invite", "not_found"),
)

LIST_DIRECTORY = Operation(
    "list_directory",
    "List the public rooms",
    tag="rooms",
    cost=Cost.SEARCH,
    query=DirectoryQuery,
    reply=page_of(RoomSerializer),
    description=(
        "A room that moves in the order while you page comes (again) on the last page. Identify rooms by id. A page "
        "ends at 1 MiB; `next` is set then."
    ),
)

GET_OR_CREATE_DIRECT_ROOM = Operation(
    "get_or_create_direct_room",
    "Get my direct room with another user; create it if there is none",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("user_id",),
    body=EmptySerializer,
    reply=RoomSerializer,
    statuses=(201, 200),
    problems=("not_found", "user.blocked", "room.limit", "limit.invite"),
)

GET_ROOM = Operation(
    "get_room",
    "Get a room of mine, or a public room",
    tag="rooms",
    cost=Cost.READ,
    ids=("room_id",),
    reply=RoomSerializer,
    problems=("not_found",),
)

UPDATE_ROOM = Operation(
    "update_room",
    "Change a room",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=UpdateRoomBody,
    reply=RoomSerializer,
    problems=(*CHANGES_ROOM, "room.slug_taken"),
)

ARCHIVE_ROOM = Operation(
    "archive_room",
    "Archive a room: it is read-only until an owner reopens it",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("room_id",),
    statuses=(204,),
    problems=CHANGES_ROOM,
)

UNARCHIVE_ROOM = Operation(
    "unarchive_room",
    "Reopen an archived room, with its slug if no other room has taken it",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=EmptySerializer,
    reply=RoomSerializer,
    problems=(*NON_MEMBER, "room.direct", "room.role_required"),
    description="Only an owner may. A room that is not archived stays unchanged.",
)

UPDATE_ROOM_ME = Operation(
    "update_room_me",
    "Change my own view of a room: notifications, pinned, hidden until the next message",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=UpdateRoomMeBody,
    reply=RoomMeSerializer,
    problems=NON_MEMBER,
    description="Sync and events include a hidden room. A message sent after the change ends `hidden`.",
)

PUT_OWNER = Operation(
    "put_owner",
    "Hand a room over: another member owns it, and I become an admin",
    tag="members",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=PutOwnerBody,
    reply=MemberSerializer,
    problems=CHANGES_ROOM,
)
