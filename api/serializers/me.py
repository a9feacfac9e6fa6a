"""The shape of the user's own account."""

from rest_framework import serializers

from accounts.serializers import UserSerializer


class MeSerializer(UserSerializer):
    """My own user, with the number of unread messages in all my rooms."""

    unread_total = serializers.IntegerField()
    unread_total_capped = serializers.BooleanField(
        help_text="Whether the count of a room was capped, so that there are more."
    )
