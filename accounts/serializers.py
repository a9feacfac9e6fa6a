"""How users and sessions look, and what the requests about them may hold."""

from __future__ import annotations

from typing import Any

from django.core.validators import URLValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import DISPLAY_NAME_CHARS, USERNAME_CHARS, Session
from wire.fields import MetadataField, StrictSerializer, TextField, TimeField
from wire.pagination import PageQuery

PASSWORD_CHARS = 1_024  # a longer one would only make the hash work


class UserSerializer(serializers.Serializer[Any]):
    """A user as everybody sees them."""

    id = serializers.UUIDField(read_only=True)
    username = serializers.CharField(read_only=True)
    display_name = serializers.CharField(read_only=True)
    avatar_url = serializers.CharField(read_only=True, allow_null=True)
    metadata = MetadataField(read_only=True)
    created_at = TimeField(read_only=True)


class SessionSerializer(serializers.Serializer[Any]):
    """One of my devices; `current` is the one that asks."""

    # The asking session, where there is one, comes as context `session`.

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    platform = serializers.CharField(read_only=True)
    created_at = TimeField(read_only=True)
    last_used_at = TimeField(read_only=True)
    expires_at = TimeField(read_only=True)
    current = serializers.SerializerMethodField()

    def get_current(self, session: Session) -> bool:
        return bool(session == self.context.get("session"))


class LoginSerializer(serializers.Serializer[Any]):
    """What register and login answer: the one time that the token is shown."""

    token = serializers.CharField(read_only=True)
    session = SessionSerializer(read_only=True)
    user = UserSerializer(read_only=True)


class PasswordField(serializers.CharField):
    """A password is kept as it was typed, spaces included."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PASSWORD_CHARS, trim_whitespace=False, write_only=True, **options)


class NameField(TextField):
    """A name on one line, free but for the spaces around it."""

    def __init__(self, *, max_chars: int, **options: Any) -> None:
        super().__init__(max_chars=max_chars, multiline=False, trim_whitespace=True, **options)


class DeviceSerializer(StrictSerializer):
    """What the owner will recognise the device by."""

    name = NameField(max_chars=64, required=False, allow_blank=True)
    platform = NameField(max_chars=32, required=False, allow_blank=True)


# accounts.services judges both: the one once it is folded, the other beside the names of its owner.
@extend_schema_field(
    {
        "type": "string",
        "minLength": 3,
        "maxLength": USERNAME_CHARS,
        "pattern": "^[A-Za-z0-9_.-]{3,32}$",
        "description": "3 to 32 of the characters a-z 0-9 _ . - and not `deleted-` first. Capitals are made small.",
    }
)
class NewUsernameField(TextField):
    """The username of an account to be."""


@extend_schema_field(
    {
        "type": "string",
        "minLength": 8,
        "maxLength": PASSWORD_CHARS,
        "description": "Not only digits, no common password, and not like the username or the display name.",
    }
)
class NewPasswordField(PasswordField):
    """A password to be."""


class RegisterBody(StrictSerializer):
    username = NewUsernameField(max_chars=150, multiline=False)
    password = NewPasswordField()
    display_name = NameField(max_chars=DISPLAY_NAME_CHARS, required=False)
    device = DeviceSerializer(required=False)


class LoginBody(StrictSerializer):
    username = TextField(max_chars=150, multiline=False)
    password = PasswordField()
    device = DeviceSerializer(required=False)


class PasswordBody(StrictSerializer):
    old = PasswordField()
    new = NewPasswordField()


class DeleteAccountBody(StrictSerializer):
    password = PasswordField()


class ProfileBody(StrictSerializer):
    display_name = NameField(max_chars=DISPLAY_NAME_CHARS, required=False)
    avatar_url = TextField(
        max_chars=500,
        multiline=False,
        required=False,
        allow_null=True,
        allow_blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="http or https; null or empty takes it away.",
    )
    metadata = MetadataField(required=False)

    def validate_avatar_url(self, value: str | None) -> str | None:
        return value or None


class UserSearchQuery(PageQuery):
    q = serializers.CharField(max_length=64, help_text="How the username or the display name begins.")
