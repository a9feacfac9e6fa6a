"""The shapes of delivery markers and receipts."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.models.choices import Receipts
from api.serializers.messages import MAX_SEQ
from api.serializers.sync import CursorsField
from wire.fields import StrictSerializer

ACK_ROOMS = 100  # of one ack


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_SEQ},
        "maxProperties": ACK_ROOMS,
        "description": "By room id, the seq up to which the device has the room's events; null is absent.",
    }
)
class AckedField(CursorsField):
    """A seq for each room in which something has reached the device."""

    max_rooms = ACK_ROOMS


class AckBody(StrictSerializer):
    """The seqs that have reached the device. A room of which the user is not a member is ignored."""

    rooms = AckedField()


class AckedSerializer(serializers.Serializer[Any]):
    """Nothing: the markers are written within about a second."""


class DeliveredUpdatedSerializer(serializers.Serializer[Any]):
    """The delivery marker of a member: everything up to `delivered_seq` has reached one of their devices."""

    room_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    delivered_seq = serializers.IntegerField()


class ReceiptsSerializer(serializers.Serializer[Any]):
    """The current members, except the sender, whom a message has reached, and those who have read it.

    Members who joined after the message, and those who do not share it (`share_read`), are in none of these. Read
    messages count as delivered.
    """

    mode = serializers.ChoiceField(choices=Receipts.choices, help_text="The `receipts` of the room's mode.")
    read = serializers.ListField(child=serializers.UUIDField(), help_text="Their ids; [] in the mode counts.")
    delivered = serializers.ListField(child=serializers.UUIDField(), help_text="Their ids; [] in the mode counts.")
    read_count = serializers.IntegerField()
    delivered_count = serializers.IntegerField()
