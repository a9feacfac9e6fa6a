"""Members."""

from api.operations import CHANGES_MEMBER, NON_MEMBER
from api.operations.invites import REFUSED_BY_USER
from api.serializers.invites import InviteSerializer
from api.serializers.members import MemberSerializer, PutMemberBody
from api.serializers.rooms import RoomSerializer
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.pagination import PageQuery
from wire.schema import page_of

LIST_MEMBERS = Operation(
    "list_members",
    "List the members of a room, longest-standing first",
    tag="members",
    cost=Cost.READ,
    ids=("room_id",),
    query=PageQuery,
    reply=page_of(MemberSerializer),
    problems=NON_MEMBER,
)

PUT_MEMBER = Operation(
    "put_member",
    "Add a member, or change a member's role",
    tag="members",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    body=PutMemberBody,
    reply=MemberSerializer,
    replies={202: InviteSerializer},
    statuses=(201, 200, 202),
    problems=(*CHANGES_MEMBER, *REFUSED_BY_USER, "limit.invite"),
    description=(
        "Of a user whom nobody can add it makes an invitation, as a plain member, and answers 202 with the Invite."
    ),
)

REMOVE_MEMBER = Operation(
    "remove_member",
    "Remove a member; with my own id, leave the room",
    tag="members",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    statuses=(204,),
    problems=CHANGES_MEMBER,
)

JOIN_ROOM = Operation(
    "join_room",
    "Join a public room, accept an invitation, or confirm a room that somebody added me to",
    tag="members",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=EmptySerializer,
    reply=RoomSerializer,
    problems=("not_found", "room.banned", "room.archived", "room.limit"),
)

LEAVE_ROOM = Operation(
    "leave_room",
    "Leave a room, archived or not; when the last member leaves, it is archived",
    tag="members",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=EmptySerializer,
    statuses=(204,),
    problems=(*NON_MEMBER, "room.direct", "room.last_owner"),
)
