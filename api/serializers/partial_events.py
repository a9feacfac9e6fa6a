"""Partial events: they carry some fields of a message and never its text.

A client merges the fields into the message that it holds if that has the version `base_version`. A message with a
greater or equal version is newer than the event; any other held copy is stale, and the client loads the message.
"""

from typing import Any, Protocol
from uuid import UUID

from rest_framework import serializers

from wire.fields import TimeField


class Versioned(Protocol):
    """A message, as far as a partial event names it."""

    pk: UUID
    room_id: UUID
    seq: int
    version: int


def render_partial(message: Versioned, version: int, **fields: object) -> dict[str, object]:
    """Return the data of a partial event with this seq; `message` still has the version before it."""
    return {
        "id": message.pk,
        "room_id": message.room_id,
        "seq": message.seq,
        "version": version,
        "base_version": message.version,
        **fields,
    }


class PartialEventSerializer(serializers.Serializer[Any]):
    """The fields of a message that have changed: merge them into a copy whose version is `base_version`."""

    id = serializers.UUIDField()
    room_id = serializers.UUIDField()
    seq = serializers.IntegerField()
    version = serializers.IntegerField()
    base_version = serializers.IntegerField()


class PinChangedSerializer(PartialEventSerializer):
    """The pin of a message: null when it was removed."""

    pinned_at = TimeField(allow_null=True)
    pinned_by = serializers.UUIDField(allow_null=True)
