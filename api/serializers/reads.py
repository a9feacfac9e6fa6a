"""The shapes of the read marker, in bodies and answers."""

from typing import Any

from rest_framework import serializers

from api.serializers.messages import MAX_SEQ
from wire.fields import StrictSerializer

# The one definition, wherever the count is.
UNREAD = (
    "The number of messages above read_seq that are visible to the user, sent by others and not deleted; "
    "exact to 999, then unread_capped is true."
)


class MarkReadBody(StrictSerializer):
    """Mark everything up to this seq as read."""

    seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ)


class MarkUnreadBody(StrictSerializer):
    """Mark this seq and everything after it as unread."""

    seq = serializers.IntegerField(min_value=1, max_value=MAX_SEQ)


class ReadMarkerSerializer(serializers.Serializer[Any]):
    """The position of the read marker, and the number of unread messages above it."""

    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text=UNREAD)
    unread_capped = serializers.BooleanField()
