"""Calls of a backend, with a server key."""

from api.operations.rooms import CREATE_ROOM
from api.serializers.members import MemberSerializer, PutMemberBody
from api.serializers.rooms import AdminRoomBody, RoomSerializer
from wire.operations import Cost, Operation

CREATE_ADMIN_ROOM = Operation(
    "create_admin_room",
    "Create a room that one of your users owns",
    tag="admin",
    cost=Cost.ADMIN,
    body=AdminRoomBody,
    reply=RoomSerializer,
    statuses=(201, 200),
    problems=CREATE_ROOM.problems,
    description=(
        "The reply is the Room as its owner sees it. A retry with the same client_id, or without one with the same "
        "owner, kind, name and slug, returns the first one."
    ),
)

PUT_ADMIN_MEMBER = Operation(
    "put_admin_member",
    "Add a user to any room but a direct one, or change a member's role",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("room_id", "user_id"),
    body=PutMemberBody,
    reply=MemberSerializer,
    statuses=(201, 200),
    problems=("not_found", "room.archived", "room.direct", "room.last_owner", "room.limit", "room.user_banned"),
)

REMOVE_ADMIN_MEMBER = Operation(
    "remove_admin_member",
    "Remove a member from any room but a direct one",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("room_id", "user_id"),
    statuses=(204,),
    problems=("not_found", "room.archived", "room.direct", "room.last_owner"),
)
