"""The shapes of drafts, in bodies and answers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.models import Draft
from wire.fields import MetadataField, QuerySerializer, StrictSerializer, TextField, TimeField, format_time


def render_draft(draft: Draft) -> dict[str, Any]:
    """Return a Draft."""
    return {
        "room_id": str(draft.room_id),
        "thread_root": None if draft.place == draft.room_id else str(draft.place),
        "text": draft.text,
        "metadata": draft.metadata,
        "reply_to": None if draft.reply_to is None else str(draft.reply_to),
        "updated_at": format_time(draft.updated_at),
    }


def render_no_draft(room_id: UUID, thread_root: UUID | None, at: datetime) -> dict[str, Any]:
    """Return the data of draft.updated for a draft that was deleted."""
    root = None if thread_root is None else str(thread_root)
    place: dict[str, Any] = {"room_id": str(room_id), "thread_root": root, "text": None, "metadata": {}}
    return {**place, "reply_to": None, "updated_at": format_time(at)}


class DraftSerializer(serializers.Serializer[Any]):
    """A text that I have not sent yet: one for each room, and one for each thread."""

    room_id = serializers.UUIDField()
    thread_root = serializers.UUIDField(allow_null=True, help_text="null: the draft for the main line of the room.")
    text = serializers.CharField()
    metadata = MetadataField()
    reply_to = serializers.UUIDField(allow_null=True)
    updated_at = TimeField()


class DraftUpdatedSerializer(DraftSerializer):
    """My draft changed on one of my devices; `text` is null when it was deleted."""

    text = serializers.CharField(allow_null=True)


class PutDraftBody(StrictSerializer):
    """A draft."""

    text = TextField(allow_blank=True)
    metadata = MetadataField(required=False, default=dict)
    reply_to = serializers.UUIDField(required=False, allow_null=True, default=None)
    thread_root = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="The root of the thread; absent: the main line."
    )


class DeleteDraftQuery(QuerySerializer):
    """The draft to delete: that of a thread, or that of the main line."""

    thread_root = serializers.UUIDField(required=False, help_text="The root of the thread; absent: the main line.")


class DeleteDraftBody(StrictSerializer):
    """The same as DeleteDraftQuery, in JSON."""

    thread_root = serializers.UUIDField(required=False)
