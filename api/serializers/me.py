"""The shape of the user's own account, and of its settings."""

from typing import Any

from rest_framework import serializers

from accounts.models import EmailAddress, User
from accounts.serializers import UpdateMeBody, UserSerializer
from api.models import AddedBy, UserSettings
from wire.fields import StrictSerializer

SHARE_READ = "Whether others see how far I have read, and what has reached my devices."
SHARE_PRESENCE = "Whether others see when I am online."
ADDED_BY = "nobody: an addition to a room becomes an invitation."

_USER = UserSerializer()


class SettingsSerializer(serializers.Serializer[Any]):
    """My settings."""

    share_read = serializers.BooleanField(help_text=SHARE_READ)
    share_presence = serializers.BooleanField(help_text=SHARE_PRESENCE)
    added_by = serializers.ChoiceField(choices=AddedBy.choices, help_text=ADDED_BY)


class MyselfSerializer(UserSerializer):
    """My own user, with the e-mail address and the settings that nobody else sees; the data of me.updated."""

    email = serializers.EmailField(read_only=True, allow_null=True)
    email_verified = serializers.BooleanField(help_text="Whether the address is verified; only then it is used.")
    settings = SettingsSerializer()


class MeSerializer(MyselfSerializer):
    """My own user, with the number of unread messages in all my rooms."""

    unread_total = serializers.IntegerField()
    unread_total_capped = serializers.BooleanField(
        help_text="Whether the count of a room was capped, so that there are more."
    )


class UpdateSettingsBody(StrictSerializer):
    """Changed settings; absent ones stay unchanged."""

    share_read = serializers.BooleanField(required=False, help_text=SHARE_READ)
    share_presence = serializers.BooleanField(required=False, help_text=SHARE_PRESENCE)
    added_by = serializers.ChoiceField(choices=AddedBy.choices, required=False, help_text=ADDED_BY)


class UpdateMyselfBody(UpdateMeBody):
    """The body of PATCH me; absent fields stay unchanged."""

    settings = UpdateSettingsBody(required=False)


def render_myself(user: User) -> dict[str, Any]:
    """Render the user for themselves as MyselfSerializer documents it; it takes two queries."""
    email = EmailAddress.objects.filter(user=user).first()
    settings = UserSettings.objects.filter(pk=user.pk).first() or UserSettings(user=user)
    return {
        **_USER.to_representation(user),
        "email": email.address if email else None,
        "email_verified": email is not None and email.verified_at is not None,
        "settings": {
            "share_read": settings.share_read,
            "share_presence": settings.share_presence,
            "added_by": settings.added_by,
        },
    }
