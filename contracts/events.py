"""The event types in the contracts: those that the log stores, and the ephemeral ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from api.serializers.events import INBOX_TYPES, ROOM_TYPES
from api.serializers.members import MemberSerializer
from api.serializers.messages import MessageSerializer, UserErasedSerializer
from api.serializers.reads import UNREAD
from api.serializers.rooms import (
    RoomAddedSerializer,
    RoomCreatedSerializer,
    RoomPreferredSerializer,
    RoomRemovedSerializer,
    RoomSnapshotSerializer,
)
from api.serializers.sync import MissedRangeSerializer
from contracts.components import ALWAYS_NULL, Components, Kind, Schema, union
from wire.fields import TimeField


class ReadUpdatedSerializer(serializers.Serializer[Any]):
    """The read marker of a member. A message of mine with a seq above `head` moves the marker on.

    The inbox has this event for my own marker, with the number of unread messages as of the room's `head`. A room has
    it for its other members, without `unread` and `unread_capped`.
    """

    room_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    read_seq = serializers.IntegerField()
    head = serializers.IntegerField()
    unread = serializers.IntegerField(required=False, help_text=UNREAD)
    unread_capped = serializers.BooleanField(required=False)


class RoomSyncedSerializer(serializers.Serializer[Any]):
    """The end of the replay: everything up to `head` has been sent."""

    head = serializers.IntegerField()


class RoomResetSerializer(serializers.Serializer[Any]):
    """The log was rewritten: load the room again, and continue from `head`."""

    head = serializers.IntegerField()
    epoch = serializers.IntegerField()


class TypingUsersSerializer(serializers.Serializer[Any]):
    """All users who are typing: the full set each time."""

    user_ids = serializers.ListField(child=serializers.UUIDField())


class SessionExpiringSerializer(serializers.Serializer[Any]):
    """The time at which the session ends: authenticate with a new token before."""

    expires_at = TimeField()


@dataclass(frozen=True, slots=True)
class EventType:
    """An event type in the contracts. `stream` is where it occurs: room, inbox, or both."""

    type: str
    data: Kind
    stream: str
    durable: bool
    summary: str

    @property
    def component(self) -> str:
        """MessageCreatedEvent; one for each type, also where a stream keeps it and another does not."""
        words = self.type.replace("_", ".").split(".")
        return "".join(word.capitalize() for word in words) + "Event"


EVENTS = (
    EventType("room.created", RoomCreatedSerializer, "room", True, "The room was created, with its first members."),
    EventType("room.updated", RoomSnapshotSerializer, "room", True, "Name, slug, topic or metadata changed."),
    EventType("room.archived", RoomSnapshotSerializer, "room", True, "The room was archived: it is read-only."),
    EventType("room.unarchived", RoomSnapshotSerializer, "room", True, "The room was reopened."),
    EventType("member.joined", MemberSerializer, "room", True, "A user joined or was added."),
    EventType("member.left", MemberSerializer, "room", True, "A member left."),
    EventType("member.removed", MemberSerializer, "room", True, "A member was removed."),
    EventType("member.role_changed", MemberSerializer, "room", True, "A member's role changed."),
    EventType("message.created", MessageSerializer, "room", True, "A message was sent."),
    EventType("message.edited", MessageSerializer, "room", True, "The text or metadata of a message changed."),
    EventType("message.deleted", MessageSerializer, "room", True, "A message was deleted; a tombstone remains."),
    EventType(
        "user.erased",
        UserErasedSerializer,
        "room",
        True,
        "The account of a user was deleted.",
    ),
    EventType("room.added", RoomAddedSerializer, "inbox", True, "I was added to a room; `seq` is that of my join."),
    EventType("room.removed", RoomRemovedSerializer, "inbox", True, "I left a room, or was removed at `seq`."),
    EventType("room.preferred", RoomPreferredSerializer, "inbox", True, "I hid a room, or unhid it."),
    EventType("read.updated", ReadUpdatedSerializer, "inbox", True, "My read marker moved, on any of my devices."),
    EventType("read.updated", ReadUpdatedSerializer, "room", False, "The read marker of a member moved (small rooms)."),
    EventType("typing", TypingUsersSerializer, "room", False, "The set of typing users changed."),
    EventType("room.synced", RoomSyncedSerializer, "both", False, "The replay is complete; events are live from here."),
    EventType("room.limited", MissedRangeSerializer, "both", False, "Too many events were missed to replay them."),
    EventType("room.reset", RoomResetSerializer, "both", False, "The cursor is no longer valid: load the room again."),
    EventType("session.expiring", SessionExpiringSerializer, "inbox", False, "The session expires within a minute."),
)


def add_events(components: Components) -> None:
    """Each type, and three unions by `type`: Event (the log), EphemeralEvent (never stored), PushedEvent (both)."""
    _same_as_the_log()
    by_type: dict[str, list[EventType]] = {}
    for event in EVENTS:
        by_type.setdefault(event.type, []).append(event)
    for events in by_type.values():
        components.add(events[0].component, _schema(components, events))
    for name, description, members in (
        (
            "Event",
            "A stored event. Ignore types that you do not know.",
            [event for event in EVENTS if event.durable],
        ),
        (
            "EphemeralEvent",
            "An event that is not stored: it may be lost, and is never replayed.",
            [event for event in EVENTS if not event.durable],
        ),
        (
            "PushedEvent",
            "An event as a socket receives it. Ignore types that you do not know.",
            EVENTS,
        ),
    ):
        components.add(name, union(description, "type", {event.type: event.component for event in members}))


def _schema(components: Components, events: list[EventType]) -> Schema:
    """One component of a type: a field is nullable when it is null in some of the type's streams."""
    streams = {event.stream for event in events}
    durable = {event.durable for event in events}
    room_id: Schema = {"type": "string" if streams == {"room"} else ["string", "null"], "format": "uuid"}
    seq: Schema = {"type": "integer" if durable == {True} else ["integer", "null"], "minimum": 1}
    if streams != {"room"}:
        room_id["description"] = ALWAYS_NULL if streams == {"inbox"} else "null in the inbox."
    if durable != {True}:
        seq["description"] = ALWAYS_NULL if durable == {False} else "null when the event is not stored."
    return {
        "type": "object",
        "description": " ".join(event.summary for event in events),
        "properties": {
            "type": {"const": events[0].type},
            "room_id": room_id,
            "seq": seq,
            "at": {"type": "string", "format": "date-time"},
            "actor_id": {"type": ["string", "null"], "format": "uuid"},
            "data": components.ref(events[0].data),
        },
        "required": ["type", "room_id", "seq", "at", "actor_id", "data"],
    }


def _same_as_the_log() -> None:
    told = {event.type for event in EVENTS if event.durable}
    if told != {*ROOM_TYPES, *INBOX_TYPES}:
        raise ValueError(f"EVENTS and the log disagree about {told ^ {*ROOM_TYPES, *INBOX_TYPES}}.")
