"""The user who asks, as only they see themselves."""

from rest_framework import serializers

from accounts.serializers import UserSerializer


class MeSerializer(UserSerializer):
    """Myself: a user, and the sum of what my rooms count as unread."""

    unread_total = serializers.IntegerField()
    unread_total_capped = serializers.BooleanField(help_text="Whether a room counted no further, so there is more.")
