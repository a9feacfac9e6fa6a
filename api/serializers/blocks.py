"""The shapes of blocks."""

from typing import Any

from rest_framework import serializers

from api.models import Block
from api.serializers.authors import Author, AuthorSerializer
from wire.fields import TimeField, format_time


def render_block(block: Block) -> dict[str, Any]:
    """Render a block, whose `blocked` is loaded, as BlockSerializer documents it."""
    return {"user": Author.of(block.blocked)._asdict(), "created_at": format_time(block.created_at)}


class BlockSerializer(serializers.Serializer[Any]):
    """A user whom I block, since `created_at`."""

    user = AuthorSerializer()
    created_at = TimeField()


class BlockChangedSerializer(serializers.Serializer[Any]):
    """I blocked this user, or no longer do; see people.md for what a client does with the messages that it holds."""

    user_id = serializers.UUIDField()
