"""The read marker, going in and coming out."""

from typing import Any

from rest_framework import serializers

from api.serializers.messages import MAX_SEQ
from wire.fields import StrictSerializer

# The one definition, wherever the count is.
UNREAD = (
    "The room's messages above read_seq that the user can see, that others sent and that are not deleted; "
    "exact to 999, then unread_capped is true."
)


class MarkReadBody(StrictSerializer):
    """Everything up to this seq has been read."""

    seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ)


class MarkUnreadBody(StrictSerializer):
    """This seq and everything after it is to be unread again."""

    seq = serializers.IntegerField(min_value=1, max_value=MAX_SEQ)


class ReadMarkerSerializer(serializers.Serializer[Any]):
    """The position of the read marker, and the number of unread messages above it."""

    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField(help_text=UNREAD)
    unread_capped = serializers.BooleanField()
