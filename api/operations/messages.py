"""Messages."""

from api.operations import NON_MEMBER
from api.serializers.message_shape import MessageSerializer
from api.serializers.messages import (
    EditMessageBody,
    HistoryBody,
    HistoryQuery,
    MessageHistorySerializer,
    SendMessageBody,
)
from api.services.messages import is_stored
from wire.operations import Cost, Operation

SEND_MESSAGE = Operation(
    "send_message",
    "Send a message; a retry with the same client_id stores it once",
    tag="messages",
    cost=Cost.SEND,
    ids=("room_id",),
    body=SendMessageBody,
    reply=MessageSerializer,
    statuses=(201, 200),
    problems=(
        *NON_MEMBER,
        "room.archived",
        "room.peer_deleted",
        "room.role_required",
        "message.client_id_reused",
    ),
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
        "replies in that thread, and its `root`. The newest page unless an anchor is given. `before` and `after` exclude "
        "their anchor, `around` includes it. A page ends at 1 MiB; more_before or more_after is true then."
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
        "room.role_required",
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
