"""The bodies and the event of streamed messages."""

from typing import Any

from rest_framework import serializers

from wire.fields import StrictSerializer, TextField

MAX_OFFSET = 2**31 - 1


class AppendMessageBody(StrictSerializer):
    """A further part of the text."""

    offset = serializers.IntegerField(
        min_value=0, max_value=MAX_OFFSET, help_text="Unicode code points of the text before this part."
    )
    text = TextField(allow_blank=True, help_text='"" only shows that the sender is still writing.')


class FinishMessageBody(StrictSerializer):
    """The end of a streamed message."""

    text = TextField(
        required=False, allow_null=True, default=None, help_text="The whole text, in place of what was appended."
    )


class TextAppendedSerializer(serializers.Serializer[Any]):
    """A part that was appended to the text of a message, after `offset` Unicode code points."""

    id = serializers.UUIDField()
    room_id = serializers.UUIDField()
    offset = serializers.IntegerField()
    text = serializers.CharField()
