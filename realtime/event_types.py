"""Declares the ephemeral event types that sockets alone receive, and the shape of their data."""

from typing import Any

from rest_framework import serializers

from api.serializers.sync import LimitedSerializer
from eventlog.event_types import EventType, StreamKind, register
from wire.fields import TimeField


class RoomHeadSerializer(serializers.Serializer[Any]):
    """The end of the replay: everything up to `head` has been told."""

    head = serializers.IntegerField()


class RoomResetSerializer(serializers.Serializer[Any]):
    """The past was rewritten: load the room anew, and go on from here."""

    head = serializers.IntegerField()
    epoch = serializers.IntegerField()


class TypingSetSerializer(serializers.Serializer[Any]):
    """Everybody who is typing: the whole set, each time."""

    user_ids = serializers.ListField(child=serializers.UUIDField())


class ExpirySerializer(serializers.Serializer[Any]):
    """The time at which the session ends: authenticate with a fresh token before."""

    expires_at = TimeField()


ROOM, INBOX, BOTH = StreamKind.ROOM, StreamKind.INBOX, StreamKind.BOTH

register(
    EventType("typing", TypingSetSerializer, ROOM, False, "Who is typing, the full set."),
    EventType("room.synced", RoomHeadSerializer, BOTH, False, "The end of a replay; live from here."),
    EventType("room.limited", LimitedSerializer, BOTH, False, "Too much was missed to be replayed."),
    EventType("room.reset", RoomResetSerializer, BOTH, False, "The cursor is worth nothing any more."),
    EventType("session.expiring", ExpirySerializer, INBOX, False, "The session ends within a minute."),
)
