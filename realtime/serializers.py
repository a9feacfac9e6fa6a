"""The shapes that only the socket has: bodies of its own actions, their replies, and the pushes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.claims import looks_like_jwt
from accounts.serializers import JWT_CHARS, SessionSerializer, UserSerializer
from api.serializers.events import EventsBody
from api.serializers.messages import MAX_SEQ
from realtime.presence.states import Activity, State
from realtime.replay_plan import Replay
from wire.fields import StrictSerializer, TextField, TimeField
from wire.schema import ProblemSerializer

MAX_WATCHED = 200  # users whose presence one socket watches
TOKEN_CHARS = 256  # of a session or a key; the server's own are shorter


class AuthenticateBody(StrictSerializer):
    """A token in a frame, where neither a log nor a URL holds it."""

    token = serializers.CharField(
        max_length=JWT_CHARS,
        trim_whitespace=False,
        help_text="Of a session, or on an authenticated socket a JWT, which lets its session live longer.",
    )

    def validate_token(self, token: str) -> str:
        if len(token) > TOKEN_CHARS and not looks_like_jwt(token):
            raise serializers.ValidationError(f"A token has at most {TOKEN_CHARS} characters.", "max_length")
        return token


class IdentitySerializer(serializers.Serializer[Any]):
    """The user and the session of the socket."""

    user = UserSerializer()
    session = SessionSerializer()


class PongSerializer(serializers.Serializer[Any]):
    """The server's clock."""

    server_time = TimeField()


class StreamBody(StrictSerializer):
    """A room that the user is in, or null: the user's own inbox."""

    room_id = serializers.UUIDField(allow_null=True)


class SubscribeBody(StreamBody):
    """The cursor: `after` is the last seq that the device has; without it, live from the head."""

    after = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=MAX_SEQ)
    epoch = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1, max_value=MAX_SEQ)


class SubscribeResultSerializer(serializers.Serializer[Any]):
    """The position of a subscription: events after `after` up to `head` are replayed, then it is live."""

    room_id = serializers.UUIDField(allow_null=True)
    after = serializers.IntegerField()
    head = serializers.IntegerField()
    epoch = serializers.IntegerField()
    replay = serializers.ChoiceField(choices=Replay.values)


class UnsubscribeResultSerializer(serializers.Serializer[Any]):
    """The room whose subscription ended."""

    room_id = serializers.UUIDField(allow_null=True)


class GetEventsBody(StreamBody, EventsBody):
    """A page of a room's events, or of the inbox."""


class SendResultSerializer(serializers.Serializer[Any]):
    """The result of one item: 201, 200 for a retry, or its problem."""

    status = serializers.IntegerField()
    id = serializers.UUIDField(allow_null=True)
    seq = serializers.IntegerField(allow_null=True)
    errors = ProblemSerializer(many=True)  # type: ignore[assignment]


class SendResultsSerializer(serializers.Serializer[Any]):
    """The result of each item, in the order of the request."""

    results = SendResultSerializer(many=True)


class SetPresenceBody(StrictSerializer):
    """The activity of the device: active, away, or in the background, where it does not count."""

    state = serializers.ChoiceField(Activity.choices)


class ActivitySerializer(serializers.Serializer[Any]):
    """The activity that was set."""

    state = serializers.ChoiceField(Activity.choices)


class WatchPresenceBody(StrictSerializer):
    """The users to watch, in place of those watched before; an empty list ends it."""

    user_ids = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_WATCHED)


class PresenceSerializer(serializers.Serializer[Any]):
    """The presence of a user: offline, with null, for everybody who may not see it."""

    user_id = serializers.UUIDField()
    state = serializers.ChoiceField(State.choices)
    last_seen_at = TimeField(
        allow_null=True, help_text="When the user was last online; null while online, and when that is not known."
    )


class PresenceStatesSerializer(serializers.Serializer[Any]):
    """The presence of each user of the request, once, in its order."""

    states = PresenceSerializer(many=True)


class HeartbeatSerializer(serializers.Serializer[Any]):
    """The interval of the server's pings, which a client has to answer with pongs; of the comments in a stream."""

    interval_ms = serializers.IntegerField()


class SocketsSerializer(serializers.Serializer[Any]):
    """The largest numbers of open sockets in one process of the server."""

    session = serializers.IntegerField()
    user = serializers.IntegerField()
    address = serializers.IntegerField()


class RateSerializer(serializers.Serializer[Any]):
    """A rate limit: `limit` calls at once, and as many in each window, for each address, account, session or room."""

    limit = serializers.IntegerField()
    window_seconds = serializers.IntegerField()
    by = serializers.ChoiceField(choices=["address", "account", "session", "room"])


class LimitsSerializer(serializers.Serializer[Any]):
    """The limits that a client would otherwise hard-code."""

    frame_bytes = serializers.IntegerField(help_text="The largest frame that the server accepts.")
    text_chars = serializers.IntegerField(
        help_text="Unicode code points of a message's text; JavaScript's length counts UTF-16 units."
    )
    text_bytes = serializers.IntegerField(help_text="Bytes of a message's text in UTF-8. Both limits apply.")
    metadata_bytes = serializers.IntegerField()
    rooms = serializers.IntegerField(help_text="Rooms that a user may be in.")
    page = serializers.IntegerField(help_text="Messages of a page of history.")
    batch = serializers.IntegerField(help_text="Items of one send_messages.")
    replay = serializers.IntegerField(help_text="Missed events that are replayed; more are `limited`.")
    sessions = serializers.IntegerField(help_text="Sessions that a user may have; a log-in ends the least recent one.")
    sockets = SocketsSerializer()
    rates = serializers.DictField(
        child=RateSerializer(), help_text="The rate limits by name; a refusal has the code `limit.<name>`."
    )


class TypingIntervalsSerializer(serializers.Serializer[Any]):
    """The interval in which a client repeats typing, and the time after which it ends by itself."""

    resend_ms = serializers.IntegerField()
    expire_ms = serializers.IntegerField()


class HelloSerializer(serializers.Serializer[Any]):
    """The data of the first push after authentication."""

    protocol = serializers.CharField()
    connection_id = serializers.CharField()
    user = UserSerializer()
    session = SessionSerializer()
    server_time = TimeField()
    epoch = serializers.IntegerField()
    heartbeat = HeartbeatSerializer()
    limits = LimitsSerializer()
    typing = TypingIntervalsSerializer()


class RoomSocketSendBody(StrictSerializer):
    """A message to send to the room."""

    message = TextField()


class RoomSocketMessageSerializer(serializers.Serializer[Any]):
    """A message that was sent to the room, by you or by another member."""

    message = serializers.CharField()
    sender = serializers.CharField(help_text="The sender's username.")
    seq = serializers.IntegerField()
