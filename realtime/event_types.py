"""Declares the ephemeral event types that only sockets receive, and the serializers of their data."""

from typing import Any

from rest_framework import serializers

from api.serializers.sync import MissedRangeSerializer
from eventlog.event_types import EventType, StreamKind, register
from realtime.serializers import PresenceSerializer
from wire.fields import TimeField


class RoomSyncedSerializer(serializers.Serializer[Any]):
    """The end of the replay: all events up to `head` were sent."""

    head = serializers.IntegerField()


class RoomResetSerializer(serializers.Serializer[Any]):
    """The past was rewritten: load the room again, and continue from `head`."""

    head = serializers.IntegerField()
    epoch = serializers.IntegerField()


class TypingUsersSerializer(serializers.Serializer[Any]):
    """All users who are typing: each event has the whole set."""

    user_ids = serializers.ListField(child=serializers.UUIDField())


class SessionExpiringSerializer(serializers.Serializer[Any]):
    """The time at which the session ends: authenticate with a new token before it."""

    expires_at = TimeField()


ROOM, INBOX, BOTH = StreamKind.ROOM, StreamKind.INBOX, StreamKind.BOTH

register(
    EventType("typing", TypingUsersSerializer, ROOM, False, "The set of typing users changed."),
    EventType("room.synced", RoomSyncedSerializer, BOTH, False, "The replay is complete; events are live from here."),
    EventType("room.limited", MissedRangeSerializer, BOTH, False, "Too many events were missed to replay them."),
    EventType("room.reset", RoomResetSerializer, BOTH, False, "The cursor is no longer valid: load the room again."),
    EventType("presence.updated", PresenceSerializer, INBOX, False, "The presence of a watched user changed."),
    EventType("session.expiring", SessionExpiringSerializer, INBOX, False, "The session expires within a minute."),
)
