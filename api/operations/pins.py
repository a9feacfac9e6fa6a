"""Pins."""

from api.operations import NON_MEMBER
from api.serializers.message_shape import MessageSerializer
from api.serializers.messages import PinPageSerializer
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.pagination import PageBody, PageQuery

_REFUSED = (*NON_MEMBER, "room.archived", "room.peer_deleted", "user.blocked", "room.role_required")

PIN_MESSAGE = Operation(
    "pin_message",
    "Pin a message",
    tag="pins",
    cost=Cost.WRITE,
    ids=("room_id", "message_id"),
    body=EmptySerializer,
    reply=MessageSerializer,
    problems=(*_REFUSED, "message.deleted", "pin.limit"),
    description="For members with `pin` in `can`. A room has at most 100 pinned messages.",
)
UNPIN_MESSAGE = Operation(
    "unpin_message",
    "Remove a message from the pins",
    tag="pins",
    cost=Cost.WRITE,
    ids=("room_id", "message_id"),
    reply=MessageSerializer,
    problems=_REFUSED,
    description="For members with `pin` in `can`.",
)
LIST_PINS = Operation(
    "list_pins",
    "List the pinned messages that I may see, newest pin first",
    tag="pins",
    cost=Cost.READ,
    ids=("room_id",),
    query=PageQuery,
    frame_body=PageBody,
    reply=PinPageSerializer,
    problems=NON_MEMBER,
    description="A page ends at 1 MiB; `next` is set then.",
)
