"""The shapes of sync: the cursors of a device, and the changes since then."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.models.choices import State
from api.serializers.events import EventSerializer
from api.serializers.messages import MAX_SEQ
from api.serializers.rooms import RoomSerializer
from wire.fields import StrictSerializer, parse_uuid

EVENTS = 1_000  # of one answer, and missing of one stream before it is "limited"
ROOMS = 2_000  # that one request may name: as many as a user can have (MAX_ROOMS and MAX_PLACED)
WAIT_MS = 30_000  # the longest wait of a sync for an event; docs/containers.md has the deadlines around it


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_SEQ},
        "maxProperties": ROOMS,
        "description": "By room id, the seq up to which the device has applied the room's events; null is absent.",
    }
)
class CursorsField(serializers.Field[Any, Any, Any, Any]):
    """A cursor for each room that the device has."""

    default_error_messages = {  # noqa: RUF012
        "type": "This must be an object of room ids and seqs.",
        "max_length": "Name at most {limit} rooms.",
        "invalid": "{room} is not a room's id with a seq, or it is named twice.",
    }
    max_rooms = ROOMS

    def to_internal_value(self, data: Any) -> dict[UUID, int]:
        if not isinstance(data, dict):
            self.fail("type")
        if len(data) > self.max_rooms:
            self.fail("max_length", limit=self.max_rooms)
        cursors: dict[UUID, int] = {}
        for key, seq in data.items():
            if seq is None:
                continue
            room_id = parse_uuid(key)
            # Two spellings of one room id would give it two cursors, and neither is the right one.
            if room_id is None or room_id in cursors or type(seq) is not int or not 0 <= seq <= MAX_SEQ:
                self.fail("invalid", room=key[:64])
            cursors[room_id] = seq
        return cursors

    def to_representation(self, value: Any) -> Any:
        return value


class CursorsBody(StrictSerializer):
    """The cursors of the device; a room that is not named is new to it."""

    rooms = CursorsField(required=False, default=dict)
    inbox = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=MAX_SEQ)
    epoch = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=MAX_SEQ)
    limit = serializers.IntegerField(required=False, default=EVENTS, min_value=1, max_value=EVENTS)
    next = serializers.CharField(required=False, allow_null=True, default=None, max_length=500)


class SyncBody(CursorsBody):
    """The body of REST, which can also wait for an event."""

    wait_ms = serializers.IntegerField(
        required=False,
        default=0,
        min_value=0,
        max_value=WAIT_MS,
        allow_null=True,
        help_text="An answer that would have nothing waits so long for something; not with `next`.",
    )
    presence = serializers.ChoiceField(
        ["active", "away", "background"],
        required=False,
        allow_null=True,
        default=None,
        help_text="While the request waits, its device counts as active for the presence of the user, unless this "
        "is away or background.",
    )


class SyncFrameBody(CursorsBody):
    """The body on the socket, which can also subscribe."""

    subscribe = serializers.BooleanField(
        required=False,
        default=False,
        help_text="true: subscribe to each stream of the answer, from its `head` on.",
    )


class MissedRangeSerializer(serializers.Serializer[Any]):
    """The missed seqs that the answer leaves out, both ends included: page the events, or load the history again."""

    to = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        # `from` is a keyword of Python.
        return {"from": serializers.IntegerField(), **super().get_fields()}


class SyncedRoomSerializer(serializers.Serializer[Any]):
    """The changes of a room since the cursor. `head` is the next cursor: the entry covers everything up to it."""

    id = serializers.UUIDField()
    head = serializers.IntegerField()
    events = EventSerializer(many=True)
    limited = MissedRangeSerializer(allow_null=True)
    reset = serializers.BooleanField()
    room = RoomSerializer(allow_null=True)


class RemovedRoomSerializer(serializers.Serializer[Any]):
    """A room of the request of which the user is no longer a member, since `seq`."""

    id = serializers.UUIDField()
    reason = serializers.ChoiceField(choices=[State.LEFT, State.REMOVED, State.BANNED])
    seq = serializers.IntegerField()


class SyncedInboxSerializer(serializers.Serializer[Any]):
    """The changes of the inbox since the cursor."""

    head = serializers.IntegerField()
    events = EventSerializer(many=True)
    limited = MissedRangeSerializer(allow_null=True)
    reset = serializers.BooleanField()


class SyncResultSerializer(serializers.Serializer[Any]):
    """One page of the answer; the same body with `next` returns the following page."""

    rooms = SyncedRoomSerializer(many=True)
    removed = RemovedRoomSerializer(many=True)
    inbox = SyncedInboxSerializer()
    epoch = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
