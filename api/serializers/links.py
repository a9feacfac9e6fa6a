"""The shapes of links, and the body that makes one."""

from typing import Any

from rest_framework import serializers

from api.models import Link, Room
from api.models.choices import Kind
from api.serializers.authors import Author, AuthorSerializer
from wire.fields import StrictSerializer, TimeField, format_time

MAX_AGE_SECONDS = 365 * 24 * 3_600
MAX_USES = 100_000


def render_link(link: Link) -> dict[str, Any]:
    """Render a link, whose creator is loaded, as LinkSerializer documents it."""
    return {
        "id": str(link.pk),
        "room_id": str(link.room_id),
        "created_by": Author.of(link.created_by)._asdict(),
        "created_at": format_time(link.created_at),
        "expires_at": format_time(link.expires_at) if link.expires_at else None,
        "max_uses": link.max_uses,
        "uses": link.uses,
    }


def render_linked_room(room: Room) -> dict[str, Any]:
    """Render a room for somebody who has the code of a link to it, as LinkedRoomSerializer documents it."""
    return {
        "room_id": str(room.pk),
        "name": room.name,
        "topic": room.topic,
        "kind": room.kind,
        "member_count": room.member_count,
    }


class CreateLinkBody(StrictSerializer):
    """The body of POST rooms/{id}/links; without a field the link has no such end."""

    max_age_seconds = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=MAX_AGE_SECONDS
    )
    max_uses = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1, max_value=MAX_USES)


class LinkSerializer(serializers.Serializer[Any]):
    """A link by which anybody who has its code may join the room."""

    id = serializers.UUIDField()
    room_id = serializers.UUIDField()
    created_by = AuthorSerializer()
    created_at = TimeField()
    expires_at = TimeField(allow_null=True)
    max_uses = serializers.IntegerField(allow_null=True)
    uses = serializers.IntegerField()


class NewLinkSerializer(LinkSerializer):
    """A link that was just created, with its code, which no later answer has."""

    code = serializers.CharField()


class LinkedRoomSerializer(serializers.Serializer[Any]):
    """The room to which a link leads, for somebody who is not in it yet."""

    room_id = serializers.UUIDField()
    name = serializers.CharField()
    topic = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(choices=[Kind.PUBLIC, Kind.PRIVATE])
    member_count = serializers.IntegerField()
