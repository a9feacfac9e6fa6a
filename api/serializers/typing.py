"""The shape of typing, in bodies."""

from rest_framework import serializers

from wire.fields import StrictSerializer


class TypingSerializer(StrictSerializer):
    """The state of typing: true, repeated every typing.resend_ms while the user types, and false at the end."""

    on = serializers.BooleanField()
