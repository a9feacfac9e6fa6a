"""The operations that only the socket has, and those that differ there from REST."""

from dataclasses import replace

from drf_spectacular.types import OpenApiTypes

from api.operations import NON_MEMBER, log, messages
from api.operations.messages import SENDS
from api.serializers.messages import SendMessagesBody
from api.serializers.sync import SyncBody
from realtime.serializers import (
    ActivitySerializer,
    AuthenticateBody,
    GetEventsBody,
    IdentitySerializer,
    PongSerializer,
    PresenceStatesSerializer,
    SendResultsSerializer,
    SetPresenceBody,
    StreamBody,
    SubscribeBody,
    SubscribeResultSerializer,
    UnsubscribeResultSerializer,
    WatchPresenceBody,
)
from wire.operations import Cost, Operation

AUTHENTICATE = Operation(
    "authenticate",
    "Authenticate the socket; later, a new token or JWT of the same user keeps all subscriptions",
    tag="auth",
    cost=Cost.READ,
    body=AuthenticateBody,
    reply=IdentitySerializer,
    problems=(
        *("auth.invalid_token", "auth.account_disabled", "auth.other_user", "auth.token_revoked"),
        *("auth.username_taken", "key.in_browser", "limit.exchange"),
    ),
    public=True,
)
SUBSCRIBE = Operation(
    "subscribe",
    "Subscribe to a room or, with null, to my inbox: missed events first, then live, without gaps or duplicates",
    tag="events",
    cost=Cost.READ,
    body=SubscribeBody,
    reply=SubscribeResultSerializer,
    problems=NON_MEMBER,
)
UNSUBSCRIBE = Operation(
    "unsubscribe",
    "Unsubscribe from a room or the inbox; none of its events follows the reply",
    tag="events",
    cost=Cost.READ,
    body=StreamBody,
    reply=UnsubscribeResultSerializer,
    problems=NON_MEMBER,
)
SEND_MESSAGES = Operation(
    "send_messages",
    "Send several messages in order; an invalid item fails alone, and the whole frame may be retried",
    tag="messages",
    cost=Cost.SEND,
    ids=("room_id",),
    body=SendMessagesBody,
    reply=SendResultsSerializer,
    problems=SENDS,
    is_retry=messages.SEND_MESSAGE.is_retry,
)
GET_EVENTS = replace(
    log.GET_EVENTS,
    summary="Get a page of the events of a room or, with null, of my inbox",
    ids=(),
    frame_body=GetEventsBody,
)
SYNC = replace(log.SYNC, problems=())  # a socket does not wait
PING = replace(log.PING, reply=PongSerializer, statuses=(200,))
WATCH_PRESENCE = Operation(
    "watch_presence",
    "Get the presence of users; on the socket, watch them instead of those watched before",
    tag="presence",
    cost=Cost.READ,
    body=WatchPresenceBody,
    reply=PresenceStatesSerializer,
    description=(
        "You see the presence of users with whom you share a room that each of you made, joined, accepted or wrote in; "
        "for all others the answer is `offline` and null. REST answers once. On the socket `presence.updated` follows "
        "each change, at most one frame a second."
    ),
)
SET_PRESENCE = Operation(
    "set_presence",
    "Set whether I am active or away, or whether this device does not count",
    tag="presence",
    cost=Cost.WRITE,
    body=SetPresenceBody,
    reply=ActivitySerializer,
    description=(
        "A user is online while a device is active, and away while all devices that count are away. Every socket, and "
        "every request to `sync` or `stream` that waits, begins as active. On the socket this sets that socket; over "
        "REST it sets the open sockets and waiting requests of the session."
    ),
)
STREAM = Operation(
    "stream",
    "Receive everything that a socket would push, as server-sent events",
    tag="sync",
    cost=Cost.SYNC,
    body=SyncBody,
    reply=OpenApiTypes.STR,
    media_type="text/event-stream",
    problems=("limit.sockets",),
    description=(
        "The body is that of sync; `next` and `wait_ms` have no effect. Each `data` line is a `ServerFrame`: `hello`, "
        "every page of the sync as a reply to `sync`, then `events` of each room and of the inbox, and `goodbye` last. "
        "There is no `id`: repeat the request with new cursors. A comment comes every 15 seconds. The stream ends with "
        "the session, after an hour, and when the client does not read."
    ),
)
