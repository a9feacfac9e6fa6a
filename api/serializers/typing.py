"""The shape of typing, in bodies."""

from rest_framework import serializers

from wire.fields import StrictSerializer


class TypingSerializer(StrictSerializer):
    """Whether the user is typing: true, repeated every typing.resend_ms, and false at the end."""

    on = serializers.BooleanField()
