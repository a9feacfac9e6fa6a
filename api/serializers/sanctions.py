"""The shapes of bans and mutes, which are equal, and of the body that sets one."""

from typing import Any

from rest_framework import serializers

from api.models import Sanction
from api.models.sanctions import REASON_CHARS
from api.serializers.authors import Author, AuthorSerializer
from wire.fields import StrictSerializer, TextField, TimeField, format_time


def render_sanction(sanction: Sanction, *, with_reason: bool) -> dict[str, Any]:
    """Render a ban or mute, whose users are loaded, as SanctionSerializer documents it."""
    return {
        "room_id": str(sanction.room_id),
        "user": Author.of(sanction.user)._asdict(),
        "by": Author.of(sanction.by)._asdict(),
        "reason": sanction.reason if with_reason else None,
        "until": format_time(sanction.until) if sanction.until else None,
        "created_at": format_time(sanction.created_at),
    }


class SanctionBody(StrictSerializer):
    """The body of PUT rooms/{id}/bans/{user_id} and of PUT rooms/{id}/mutes/{user_id}."""

    until = TimeField(required=False, allow_null=True, default=None, help_text="null: until it is lifted.")
    reason = TextField(
        max_chars=REASON_CHARS,
        required=False,
        allow_null=True,
        allow_blank=True,
        default=None,
        help_text="For the admins of the room; others do not see it.",
    )


class SanctionSerializer(serializers.Serializer[Any]):
    """A ban or a mute of a user in a room. It passes at `until` without an event: compare with the time."""

    room_id = serializers.UUIDField()
    user = AuthorSerializer()
    by = AuthorSerializer()
    reason = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="null without one, and for those who may not set any."
    )
    until = TimeField(allow_null=True, help_text="null: until it is lifted.")
    created_at = TimeField()


class BanSerializer(SanctionSerializer):
    """A ban of a user: they are not in the room and cannot enter it."""


class MuteSerializer(SanctionSerializer):
    """A mute of a member: they read, and cannot write."""


class SanctionEventSerializer(serializers.Serializer[Any]):
    """The data of ban.created, ban.ended, mute.created and mute.ended."""

    user = AuthorSerializer()
    until = TimeField(allow_null=True)
