"""Authors: users as messages, events and direct rooms show them."""

from typing import Any, NamedTuple
from uuid import UUID

from rest_framework import serializers

from accounts.models import User, UserKind


class Author(NamedTuple):
    """A user as a message shows its sender, and a direct room its other member."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    kind: str

    @classmethod
    def of(cls, user: User) -> "Author":
        """The user as they are now."""
        return cls(user.pk, user.username, user.display_name, user.avatar_url, user.kind)


class AuthorSerializer(serializers.Serializer[Any]):
    """The sender of a message, as of the message's last event; or the other member of a direct room, as of now."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    avatar_url = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=UserKind.choices)
