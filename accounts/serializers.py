"""Serializers of users and sessions, and of the requests about them."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import (
    AVATAR_URL_CHARS,
    DEVICE_NAME_CHARS,
    DISPLAY_NAME_CHARS,
    EMAIL_CHARS,
    MIN_USERNAME_CHARS,
    PLATFORM_CHARS,
    USERNAME_CHARS,
    Session,
    UserKind,
)
from wire.characters import fold, has_invisible
from wire.fields import MetadataField, NameField, StrictSerializer, TextField, TimeField
from wire.pagination import PageQuery

PASSWORD_CHARS = 1_024  # a longer password would only make the hash slow
TOKEN_CHARS = 512  # of a link; the server's own are shorter
JWT_CHARS = 8_192
MAX_EXPIRES_IN = 3_650 * 86_400  # the largest SESSION_MAX_SECONDS
TYPED_USERNAME_CHARS = 150  # of a username before it is folded and checked


class UserSerializer(serializers.Serializer[Any]):
    """A user, as every other user sees them."""

    id = serializers.UUIDField(read_only=True)
    username = serializers.CharField(read_only=True)
    display_name = serializers.CharField(read_only=True)
    avatar_url = serializers.CharField(read_only=True, allow_null=True)
    kind = serializers.ChoiceField(choices=UserKind.choices, read_only=True)
    metadata = MetadataField(read_only=True)
    created_at = TimeField(read_only=True)


class AdminUserSerializer(UserSerializer):
    """A user, as the backend that made them sees them."""

    external_id = serializers.CharField(read_only=True, source="external.external_id")
    is_active = serializers.BooleanField(read_only=True)


class SessionSerializer(serializers.Serializer[Any]):
    """One of my devices; `current` marks the one that sent the request."""

    # The session of the request, if it has one, is in the context as `session`.

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
    """The response of register and log_in: the only one with the token."""

    token = serializers.CharField(read_only=True)
    session = SessionSerializer(read_only=True)
    user = UserSerializer(read_only=True)


class PasswordField(serializers.CharField):
    """A password as typed, with its spaces."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PASSWORD_CHARS, trim_whitespace=False, write_only=True, **options)


class DeviceSerializer(StrictSerializer):
    """The name and the platform of a device, for its owner."""

    name = TextField(
        max_chars=DEVICE_NAME_CHARS, multiline=False, trim_whitespace=True, required=False, allow_blank=True
    )
    platform = TextField(
        max_chars=PLATFORM_CHARS, multiline=False, trim_whitespace=True, required=False, allow_blank=True
    )


# accounts.services checks a new username and a new password: it needs the folded name, and the owner's names.
@extend_schema_field(
    {
        "type": "string",
        "minLength": MIN_USERNAME_CHARS,
        "maxLength": USERNAME_CHARS,
        "pattern": f"^[A-Za-z0-9_.-]{{{MIN_USERNAME_CHARS},{USERNAME_CHARS}}}$",
        "description": (
            "3 to 32 of the characters a-z 0-9 _ . - and no reserved name. Capital letters become lower case."
        ),
    }
)
class NewUsernameField(TextField):
    """The username of a new account."""


@extend_schema_field(
    {
        "type": "string",
        "minLength": 8,
        "maxLength": PASSWORD_CHARS,
        "description": "Not only digits, no common password, and not like the username or the display name.",
    }
)
class NewPasswordField(PasswordField):
    """A new password."""


@extend_schema_field({"type": "string", "format": "email", "maxLength": EMAIL_CHARS})
class EmailField(TextField):
    """An e-mail address, without a name (RFC 5321, section 4.1.2)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_chars=EMAIL_CHARS, multiline=False, trim_whitespace=True, **options)

    def to_internal_value(self, data: Any) -> str:
        address = super().to_internal_value(data)
        try:
            validate_email(address)
        except ValidationError as error:
            raise serializers.ValidationError("This must be an e-mail address.", "invalid") from error
        return address


class RegisterBody(StrictSerializer):
    username = NewUsernameField(max_chars=TYPED_USERNAME_CHARS, multiline=False)
    password = NewPasswordField()
    display_name = NameField(max_chars=DISPLAY_NAME_CHARS, required=False)
    email = EmailField(required=False)
    device = DeviceSerializer(required=False)


class LoginBody(StrictSerializer):
    username = TextField(max_chars=TYPED_USERNAME_CHARS, multiline=False)
    password = PasswordField()
    device = DeviceSerializer(required=False)


class ChangePasswordBody(StrictSerializer):
    old = PasswordField()
    new = NewPasswordField()


class PasswordResetBody(StrictSerializer):
    email = EmailField()


class LinkTokenField(TextField):
    """The token of a link that was sent by e-mail."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_chars=TOKEN_CHARS, multiline=False, **options)


class ConfirmPasswordResetBody(StrictSerializer):
    token = LinkTokenField()
    password = NewPasswordField()


class VerifyEmailBody(StrictSerializer):
    token = LinkTokenField()


class DeleteMeBody(StrictSerializer):
    password = PasswordField()


class WebAddressField(TextField):
    """An http or https URL (RFC 3986, RFC 3987) that is safe to put into a page.

    Hosts in other scripts, IPv6, ports and localhost are valid. A user name, a password, a space, a quote, an angle
    bracket or a backslash is not: browsers and people would read it differently, or it would end an attribute.
    """

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        if not _WEB_ADDRESS.fullmatch(url) or has_invisible(url) or not _has_host(url):
            raise serializers.ValidationError("Give an http or https URL without user name or password.", "invalid")
        return url


_WEB_ADDRESS = re.compile(r"(?i:https?)://[^\s/?#\\<>\"@]+(?:[/?#][^\s\\<>\"]*)?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_HOST_NAME = re.compile(r"[^.\[\]:%]{1,63}(?:\.[^.\[\]:%]{1,63})*\.?")


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if _IPV6.fullmatch(parts.netloc):
            IPv6Address(host)
        elif not _HOST_NAME.fullmatch(host):
            return False
    except ValueError:  # the port is malformed or too large, or a bracket has no pair
        return False
    return port != 0


class UpdateMeBody(StrictSerializer):
    username = NewUsernameField(max_chars=TYPED_USERNAME_CHARS, multiline=False, required=False)
    display_name = NameField(max_chars=DISPLAY_NAME_CHARS, required=False)
    avatar_url = WebAddressField(
        max_chars=AVATAR_URL_CHARS,
        multiline=False,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="http or https; null or empty removes it.",
    )
    metadata = MetadataField(required=False)
    email = EmailField(required=False, allow_null=True, allow_blank=True, help_text="null or empty removes it.")
    password = PasswordField(required=False, help_text="Required to change the e-mail address.")

    def validate_email(self, value: str | None) -> str | None:
        return value or None

    def validate_avatar_url(self, value: str | None) -> str | None:
        return value or None


class PutUserBody(StrictSerializer):
    username = NewUsernameField(
        max_chars=TYPED_USERNAME_CHARS, multiline=False, required=False, help_text="A new user without one gets one."
    )
    display_name = NameField(max_chars=DISPLAY_NAME_CHARS, required=False)
    avatar_url = WebAddressField(
        max_chars=AVATAR_URL_CHARS,
        multiline=False,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="http or https; null or empty removes it.",
    )
    metadata = MetadataField(required=False)
    is_active = serializers.BooleanField(
        required=False, help_text="false ends all sessions, and refuses the JWTs that were issued until now."
    )

    def validate_avatar_url(self, value: str | None) -> str | None:
        return value or None


class OpenSessionBody(StrictSerializer):
    device = DeviceSerializer(required=False)
    expires_in = serializers.IntegerField(
        min_value=1,
        max_value=MAX_EXPIRES_IN,
        required=False,
        help_text="The longest life of the session in seconds. Without it the session lives as after a log-in.",
    )


class ExchangeBody(StrictSerializer):
    token = TextField(max_chars=JWT_CHARS, multiline=False, help_text="A JWT.")
    device = DeviceSerializer(required=False)


class UserSearchQuery(PageQuery):
    q = serializers.CharField(
        min_length=2, max_length=64, help_text="The beginning of any word of the username or the display name."
    )

    def validate_q(self, value: str) -> str:
        if len(fold(value)) < 2:  # a letter and its accent may be two code points
            raise serializers.ValidationError("Give two characters or more.", "min_length")
        return value
