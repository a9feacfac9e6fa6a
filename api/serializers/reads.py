"""The shapes of read markers, in bodies and answers."""

from typing import Any

from rest_framework import serializers

from api.serializers.messages import MAX_SEQ
from wire.fields import StrictSerializer

# The definition, for every shape that has the count.
UNREAD = (
    "The room's messages above read_seq that the user can see, that others sent and that are not deleted; "
    "exact to 999, then unread_capped is true."
)


class ReadSerializer(StrictSerializer):
    """The last seq that has been read."""

    seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ)


class UnreadSerializer(StrictSerializer):
    """The first seq that is unread again."""

    seq = serializers.IntegerField(min_value=1, max_value=MAX_SEQ)


class MarkerSerializer(serializers.Serializer[Any]):
    """The position of the read marker, and the number of unread messages above it."""

    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text=UNREAD)
    unread_capped = serializers.BooleanField()


class MarkerMovedSerializer(serializers.Serializer[Any]):
    """The read marker of a member. The member's own message with a seq above `head` moves the marker further.

    My inbox has the event for my own marker, with the unread count as of the room's `head`. A room has it for its other
    members, without the two fields of the count.
    """

    room_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    read_seq = serializers.IntegerField()
    head = serializers.IntegerField()
    unread = serializers.IntegerField(required=False, help_text=UNREAD)
    unread_capped = serializers.BooleanField(required=False)
