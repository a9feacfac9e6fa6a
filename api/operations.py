"""The operations on rooms, members, messages, read markers and the log."""

from accounts.serializers import UpdateMeBody
from api.serializers.events import EventPageSerializer, EventsBody, EventsQuery
from api.serializers.me import MeSerializer
from api.serializers.members import MemberSerializer, PutMemberBody
from api.serializers.messages import (
    EditMessageBody,
    HistoryBody,
    HistoryQuery,
    MessageHistorySerializer,
    MessageSerializer,
    SendMessageBody,
)
from api.serializers.reads import MarkReadBody, MarkUnreadBody, ReadMarkerSerializer
from api.serializers.rooms import (
    AdminRoomBody,
    CreateRoomBody,
    DirectoryQuery,
    RoomMeSerializer,
    RoomSerializer,
    RoomsQuery,
    UpdateRoomBody,
    UpdateRoomMeBody,
)
from api.serializers.sync import SyncBody, SyncFrameBody, SyncResultSerializer
from api.serializers.typing import SetTypingBody
from api.services.messages import is_stored
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.pagination import PageQuery
from wire.schema import page_of

NON_MEMBER = ("not_found", "room.not_member")  # of a room that the user is not in: invisible, or public
_CHANGES_ROOM = (*NON_MEMBER, "room.archived", "room.direct", "room.role_required")
_CHANGES_MEMBER = (*_CHANGES_ROOM, "room.last_owner")

GET_ME = Operation("get_me", "Get my user", tag="me", cost=Cost.READ, reply=MeSerializer)
UPDATE_ME = Operation(
    "update_me",
    "Update my profile",
    tag="me",
    cost=Cost.WRITE,
    body=UpdateMeBody,
    reply=MeSerializer,
    problems=(
        "auth.username_taken",
        "username.limit",
        "auth.wrong_password",
        "email.not_configured",
        "limit.email",
        "limit.login",
    ),
)

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
    problems=("room.client_id_reused", "room.slug_taken", "room.limit", "limit.invite", "not_found"),
)
LIST_DIRECTORY = Operation(
    "list_directory",
    "List the public rooms by name",
    tag="rooms",
    cost=Cost.SEARCH,
    query=DirectoryQuery,
    reply=page_of(RoomSerializer),
    description=(
        "A room that is renamed while you page comes (again) on the last page. Identify rooms by id. A page ends at "
        "1 MiB; `next` is set then."
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
    problems=("not_found", "room.limit", "limit.invite"),
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
    "Change the name, slug, topic or metadata of a room",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=UpdateRoomBody,
    reply=RoomSerializer,
    problems=(*_CHANGES_ROOM, "room.slug_taken"),
)
ARCHIVE_ROOM = Operation(
    "archive_room",
    "Archive a room: it is read-only until an owner reopens it",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("room_id",),
    statuses=(204,),
    problems=_CHANGES_ROOM,
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
    "Hide a room from my lists until its next message, or show it again",
    tag="rooms",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=UpdateRoomMeBody,
    reply=RoomMeSerializer,
    problems=NON_MEMBER,
    description="Sync and events include a hidden room. A message sent after the change ends `hidden`.",
)

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
    statuses=(201, 200),
    problems=(*_CHANGES_MEMBER, "room.limit", "limit.invite"),
)
REMOVE_MEMBER = Operation(
    "remove_member",
    "Remove a member; with my own id, leave the room",
    tag="members",
    cost=Cost.WRITE,
    ids=("room_id", "user_id"),
    statuses=(204,),
    problems=_CHANGES_MEMBER,
)
JOIN_ROOM = Operation(
    "join_room",
    "Join a public room, or confirm a room that somebody added me to",
    tag="members",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=EmptySerializer,
    reply=RoomSerializer,
    problems=("not_found", "room.archived", "room.limit"),
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

SEND_MESSAGE = Operation(
    "send_message",
    "Send a message; a retry with the same client_id stores it once",
    tag="messages",
    cost=Cost.SEND,
    ids=("room_id",),
    body=SendMessageBody,
    reply=MessageSerializer,
    statuses=(201, 200),
    problems=(*NON_MEMBER, "room.archived", "room.peer_deleted", "message.client_id_reused"),
    is_retry=is_stored,
)
GET_MESSAGES = Operation(
    "get_messages",
    "Get a page of a room's messages, oldest first",
    tag="messages",
    cost=Cost.READ,
    ids=("room_id",),
    query=HistoryQuery,
    frame_body=HistoryBody,
    reply=MessageHistorySerializer,
    problems=NON_MEMBER,
    description=(
        "The newest page unless an anchor is given. `before` and `after` exclude their anchor, `around` includes it. A "
        "page ends at 1 MiB; more_before or more_after is true then."
    ),
)
GET_MESSAGE = Operation(
    "get_message",
    "Get the current version of a message",
    tag="messages",
    cost=Cost.READ,
    ids=("room_id", "message_id"),
    reply=MessageSerializer,
    problems=NON_MEMBER,
)
EDIT_MESSAGE = Operation(
    "edit_message",
    "Edit a message of mine",
    tag="messages",
    cost=Cost.WRITE,
    ids=("room_id", "message_id"),
    body=EditMessageBody,
    reply=MessageSerializer,
    problems=(
        *NON_MEMBER,
        "message.not_author",
        "message.deleted",
        "message.version_conflict",
        "room.archived",
        "room.peer_deleted",
    ),
    description=(
        "`if_version` makes the edit conditional: it fails if the message has another version. An edit that changes "
        "nothing is no conflict."
    ),
)
DELETE_MESSAGE = Operation(
    "delete_message",
    "Delete a message; a tombstone of it remains",
    tag="messages",
    cost=Cost.WRITE,
    ids=("room_id", "message_id"),
    statuses=(204,),
    problems=(*NON_MEMBER, "message.not_author", "room.archived"),
)

MARK_READ = Operation(
    "mark_read",
    "Move my read marker forward to this seq; it never moves back",
    tag="reads",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=MarkReadBody,
    reply=ReadMarkerSerializer,
    problems=(*NON_MEMBER, "read.ahead"),
)
MARK_UNREAD = Operation(
    "mark_unread",
    "Move my read marker back to before this seq; it never moves forward",
    tag="reads",
    cost=Cost.WRITE,
    ids=("room_id",),
    body=MarkUnreadBody,
    reply=ReadMarkerSerializer,
    problems=MARK_READ.problems,
)
SET_TYPING = Operation(
    "set_typing",
    "Set whether I am typing in a room",
    tag="typing",
    cost=Cost.TYPING,
    ids=("room_id",),
    body=SetTypingBody,
    statuses=(204,),
    problems=(*NON_MEMBER, "room.archived", "room.peer_deleted"),
    description="Repeat it every `typing.resend_ms` of hello; it ends with `false`, with a message, and after 15 s.",
    action="typing",
)

GET_EVENTS = Operation(
    "get_events",
    "Get a page of a room's events, in order",
    tag="events",
    cost=Cost.READ,
    ids=("room_id",),
    query=EventsQuery,
    frame_body=EventsBody,
    reply=EventPageSerializer,
    problems=NON_MEMBER,
    description="after < seq < before. With `before` alone the newest events below it, otherwise the oldest first. "
    "A page ends at 1 MiB; `more` is true then.",
)
GET_INBOX = Operation(
    "get_inbox",
    "Get a page of my inbox: rooms that I was added to or removed from, and my read markers",
    tag="events",
    cost=Cost.READ,
    query=EventsQuery,
    reply=EventPageSerializer,
)
SYNC = Operation(
    "sync",
    "Get everything that this device has missed",
    tag="sync",
    cost=Cost.SYNC,
    body=SyncBody,
    frame_body=SyncFrameBody,
    reply=SyncResultSerializer,
    description=(
        "Rooms are ordered by id, descending. Repeat the body with `next` until it is null. `head` of an entry is the "
        "next cursor: the entry covers everything up to it. A room that the body does not name is answered with its "
        "Room, without events. A page ends at 1 MiB. With `wait_ms` an answer that would have no room, no removal and "
        "no inbox event waits for the first of them; it is empty when none comes in time. A session may have two "
        "waiting requests, streams included; a third ends the oldest."
    ),
    problems=("limit.sockets",),
)
PING = Operation(
    "ping",
    "Check that the server answers and that the token is valid",
    tag="ping",
    cost=Cost.READ,
    body=EmptySerializer,
    statuses=(204,),
)
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
    problems=("not_found", "room.archived", "room.direct", "room.last_owner", "room.limit"),
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
