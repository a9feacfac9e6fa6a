"""Invitations, and the links by which anybody may join."""

from api.operations import CHANGES_ROOM, NON_MEMBER
from api.serializers.invites import InviteSerializer, MyInviteSerializer
from api.serializers.links import CreateLinkBody, LinkedRoomSerializer, LinkSerializer, NewLinkSerializer
from api.serializers.rooms import RoomSerializer
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.pagination import PageBody, PageQuery
from wire.schema import page_of

# Of a user who is to be added or invited.
REFUSED_BY_USER = ("user.blocked", "room.user_banned", "invite.limit")

PUT_INVITE = Operation(
    "put_invite",
    "Invite a user to a room",
    tag="invites",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    body=EmptySerializer,
    reply=InviteSerializer,
    problems=(*CHANGES_ROOM, "room.already_member", *REFUSED_BY_USER, "limit.invite"),
    description="The user sees the room from outside, and joins it or declines. An open invitation is left unchanged.",
)

DELETE_INVITE = Operation(
    "delete_invite",
    "Withdraw an invitation",
    tag="invites",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    statuses=(204,),
    problems=CHANGES_ROOM,
)

LIST_INVITES = Operation(
    "list_invites",
    "List the open invitations to a room, oldest first",
    tag="invites",
    cost=Cost.READ,
    ids=("room_id",),
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(InviteSerializer),
    problems=NON_MEMBER,
)

LIST_MY_INVITES = Operation(
    "list_my_invites",
    "List my open invitations, oldest first",
    tag="invites",
    cost=Cost.READ,
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(MyInviteSerializer),
    description="A user has at most 200; a further one takes the place of the oldest.",
)

DECLINE_INVITE = Operation(
    "decline_invite",
    "Decline my invitation to a room",
    tag="invites",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=EmptySerializer,
    statuses=(204,),
    problems=NON_MEMBER,
)

CREATE_LINK = Operation(
    "create_link",
    "Create a link by which anybody may join a room",
    tag="invites",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=CreateLinkBody,
    reply=NewLinkSerializer,
    statuses=(201,),
    problems=(*CHANGES_ROOM, "link.limit"),
    description="Only this answer has the `code`: the server keeps its hash.",
)

LIST_LINKS = Operation(
    "list_links",
    "List the links to a room that can be used, oldest first",
    tag="invites",
    cost=Cost.READ,
    ids=("room_id",),
    query=PageQuery,
    frame_body=PageBody,
    reply=page_of(LinkSerializer),
    problems=(*NON_MEMBER, "room.role_required"),
)

GET_ROOM_LINK = Operation(
    "get_room_link",
    "Get a link to a room",
    tag="invites",
    cost=Cost.READ,
    ids=("room_id", "link_id"),
    reply=LinkSerializer,
    problems=(*NON_MEMBER, "room.role_required"),
)

DELETE_LINK = Operation(
    "delete_link",
    "End a link to a room",
    tag="invites",
    cost=Cost.WRITE,
    ids=("room_id", "link_id"),
    statuses=(204,),
    problems=CHANGES_ROOM,
)

GET_LINK = Operation(
    "get_link",
    "Get the room of a link whose code I have",
    tag="invites",
    cost=Cost.READ,
    ids=("code",),
    reply=LinkedRoomSerializer,
    problems=("not_found",),
)

JOIN_BY_LINK = Operation(
    "join_by_link",
    "Join the room of a link; a member's join uses nothing",
    tag="invites",
    cost=Cost.WRITE,
    ids=("code",),
    body=EmptySerializer,
    reply=RoomSerializer,
    problems=("not_found", "room.banned", "room.archived", "room.limit"),
)
