"""The shape of the user's own account."""

from rest_framework import serializers

from accounts.serializers import UserSerializer


class MeSerializer(UserSerializer):
    """My own user, with the number of unread messages in all my rooms, and the e-mail address that nobody else sees."""

    email = serializers.EmailField(read_only=True, allow_null=True)
    email_verified = serializers.BooleanField(help_text="Whether the address is verified; only then it is used.")
    unread_total = serializers.IntegerField()
    unread_total_capped = serializers.BooleanField(
        help_text="Whether the count of a room was capped, so that there are more."
    )
