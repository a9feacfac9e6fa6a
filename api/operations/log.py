"""Read markers, typing, the log and synchronisation."""

from api.operations import NON_MEMBER
from api.operations.messages import MAY_NOT_WRITE
from api.serializers.events import EventPageSerializer, EventsBody, EventsQuery
from api.serializers.reads import MarkReadBody, MarkUnreadBody, ReadMarkerSerializer
from api.serializers.sync import SyncBody, SyncFrameBody, SyncResultSerializer
from api.serializers.typing import SetTypingBody
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation

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
    problems=(*NON_MEMBER, *MAY_NOT_WRITE),
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
