"""Declares the ephemeral event types that only sockets receive, and the serializers of their data."""

from typing import Any

from rest_framework import serializers

from api.serializers.sync import LimitedSerializer
from eventlog.event_types import EventType, StreamKind, register
from wire.fields import TimeField


class RoomHeadSerializer(serializers.Serializer[Any]):
    """The end of the replay: all events up to `head` were sent."""

    head = serializers.IntegerField()


class RoomResetSerializer(serializers.Serializer[Any]):
    """The past was rewritten: load the room again, and continue from `head`."""

    head = serializers.IntegerField()
    epoch = serializers.IntegerField()


class TypingSetSerializer(serializers.Serializer[Any]):
    """All users who are typing: each event has the whole set."""

    user_ids = serializers.ListField(child=serializers.UUIDField())


class ExpirySerializer(serializers.Serializer[Any]):
    """The time at which the session ends: authenticate with a new token before it."""

    expires_at = TimeField()


ROOM, INBOX, BOTH = StreamKind.ROOM, StreamKind.INBOX, StreamKind.BOTH

register(
    EventType("typing", TypingSetSerializer, ROOM, False, "The set of all users who are typing."),
    EventType("room.synced", RoomHeadSerializer, BOTH, False, "The end of a replay; live from here."),
    EventType("room.limited", LimitedSerializer, BOTH, False, "Too much was missed to be replayed."),
    EventType("room.reset", RoomResetSerializer, BOTH, False, "The cursor is no longer valid."),
    EventType("session.expiring", ExpirySerializer, INBOX, False, "The session ends within a minute."),
)
