"""The body of set_typing."""

from rest_framework import serializers

from wire.fields import StrictSerializer


class SetTypingBody(StrictSerializer):
    """True while the user is typing, repeated every typing.resend_ms, and false at the end."""

    on = serializers.BooleanField()
