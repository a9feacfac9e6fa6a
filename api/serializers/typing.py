"""Typing, as a client says it."""

from rest_framework import serializers

from wire.fields import StrictSerializer


class TypingSerializer(StrictSerializer):
    """Whether the user is typing: true again every typing.resend_ms, and false at the end."""

    on = serializers.BooleanField()
