"""Messages."""

from api.operations import NON_MEMBER
from api.serializers.message_shape import MessageSerializer
from api.serializers.messages import (
    EditMessageBody,
    HistoryBody,
    HistoryQuery,
    MessageAndMineSerializer,
    MessageHistorySerializer,
    SendMessageBody,
    VersionsSerializer,
)
from api.services.messages import is_stored
from wire.operations import Cost, Operation

MAY_NOT_WRITE = ("room.archived", "room.peer_deleted", "user.blocked", "room.muted", "room.read_only")
SENDS = (*NON_MEMBER, *MAY_NOT_WRITE, "room.slow_mode")

SEND_MESSAGE = Operation(
    "send_message",
    "Send a message; a retry with the same client_id stores it once",
    tag="messages",
    cost=Cost.SEND,
    ids=("room_id",),
    body=SendMessageBody,
    reply=MessageSerializer,
    statuses=(201, 200),
    problems=(*SENDS, "room.role_required", "message.client_id_reused", "message.deleted"),
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
        "The main line of the room: all messages but the replies in threads that are not `in_room`. With `thread` the "
        "replies in that thread, and its `root`. The newest page unless an anchor is given. `before` and `after` "
        "exclude their anchor, `around` includes it. A page ends at 1 MiB; more_before or more_after is true then."
    ),
)

GET_MESSAGE = Operation(
    "get_message",
    "Get the current version of a message",
    tag="messages",
    cost=Cost.READ,
    ids=("room_id", "message_id"),
    reply=MessageAndMineSerializer,
    problems=NON_MEMBER,
)

GET_VERSIONS = Operation(
    "get_versions",
    "Get the versions of a message, oldest first",
    tag="messages",
    cost=Cost.READ,
    ids=("room_id", "message_id"),
    reply=VersionsSerializer,
    problems=NON_MEMBER,
    description="The newest 100 that I may see, within 1 MiB. A deleted message has none.",
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
        "message.streaming",
        "message.version_conflict",
        *MAY_NOT_WRITE,
        "room.role_required",
    ),
    description=(
        "`if_version` makes the edit conditional: it fails if the text or metadata have changed since that version. "
        "Reactions and pins are no conflict, nor is an edit that changes nothing."
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
