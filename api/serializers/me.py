"""The shape of the user's own account."""

from rest_framework import serializers

from accounts.serializers import UserSerializer


class MeSerializer(UserSerializer):
    """The user of the session, with the number of unread messages in all rooms."""

    unread_total = serializers.IntegerField()
    unread_total_capped = serializers.BooleanField(
        help_text="True if the count of a room was capped: the total is larger."
    )
