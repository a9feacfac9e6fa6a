"""The read marker, going in and coming out."""

from typing import Any

from rest_framework import serializers

from api.serializers.messages import MAX_SEQ
from wire.fields import StrictSerializer


class ReadSerializer(StrictSerializer):
    """Everything up to this seq has been read."""

    seq = serializers.IntegerField(min_value=0, max_value=MAX_SEQ)


class UnreadSerializer(StrictSerializer):
    """This seq and everything after it is to be unread again."""

    seq = serializers.IntegerField(min_value=1, max_value=MAX_SEQ)


class MarkerSerializer(serializers.Serializer[Any]):
    """Where the read marker stands now, and what is unread above it: exact to 999, then capped."""

    read_seq = serializers.IntegerField()
    unread = serializers.IntegerField()
    unread_capped = serializers.BooleanField()
