"""Event types and the shape of their data: those of the log, and those that are never stored."""

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
    """The read marker of a member. An own message whose seq is above `head` moves the marker on: it came later.

    The inbox has this event of my own marker; it says too what that leaves unread as of the room's `head`. A room has
    it of its other members, without these two fields.
    """

    room_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    read_seq = serializers.IntegerField()
    head = serializers.IntegerField()
    unread = serializers.IntegerField(required=False, help_text=UNREAD)
    unread_capped = serializers.BooleanField(required=False)


class RoomSyncedSerializer(serializers.Serializer[Any]):
    """The end of the replay: everything up to `head` has been told."""

    head = serializers.IntegerField()


class RoomResetSerializer(serializers.Serializer[Any]):
    """The past was rewritten: load the room anew, and go on from here."""

    head = serializers.IntegerField()
    epoch = serializers.IntegerField()


class TypingUsersSerializer(serializers.Serializer[Any]):
    """Everybody who is typing: the whole set, each time."""

    user_ids = serializers.ListField(child=serializers.UUIDField())


class SessionExpiringSerializer(serializers.Serializer[Any]):
    """The time at which the session ends: authenticate with a fresh token before."""

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
    EventType("room.created", RoomCreatedSerializer, "room", True, "The room exists, with its first members."),
    EventType("room.updated", RoomSnapshotSerializer, "room", True, "Name, slug, topic or metadata changed."),
    EventType("room.archived", RoomSnapshotSerializer, "room", True, "The room is read-only from here."),
    EventType("room.unarchived", RoomSnapshotSerializer, "room", True, "The room is open again from here."),
    EventType("member.joined", MemberSerializer, "room", True, "Somebody is in, by joining or by being added."),
    EventType("member.left", MemberSerializer, "room", True, "Somebody left."),
    EventType("member.removed", MemberSerializer, "room", True, "Somebody was removed."),
    EventType("member.role_changed", MemberSerializer, "room", True, "A member's role changed."),
    EventType("message.created", MessageSerializer, "room", True, "Somebody said something."),
    EventType("message.edited", MessageSerializer, "room", True, "Text or metadata of a message changed."),
    EventType("message.deleted", MessageSerializer, "room", True, "A message is a tombstone from here."),
    EventType(
        "user.erased", UserErasedSerializer, "room", True, "A deleted user is a tombstone in all earlier events."
    ),
    EventType("room.added", RoomAddedSerializer, "inbox", True, "I am in a room; `seq` is that of my join."),
    EventType("room.removed", RoomRemovedSerializer, "inbox", True, "I am out of a room; `seq` is that of my leave."),
    EventType("room.preferred", RoomPreferredSerializer, "inbox", True, "I hid a room, or show it again."),
    EventType("read.updated", ReadUpdatedSerializer, "inbox", True, "My read marker moved, on some device."),
    EventType("read.updated", ReadUpdatedSerializer, "room", False, "A member of a small room read on."),
    EventType("typing", TypingUsersSerializer, "room", False, "Who is typing, the full set."),
    EventType("room.synced", RoomSyncedSerializer, "both", False, "The end of a replay; live from here."),
    EventType("room.limited", MissedRangeSerializer, "both", False, "Too much was missed to be replayed."),
    EventType("room.reset", RoomResetSerializer, "both", False, "The cursor is worth nothing any more."),
    EventType("session.expiring", SessionExpiringSerializer, "inbox", False, "The session ends within a minute."),
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
            "One thing that happened, as the log keeps it. Ignore types that you do not know.",
            [event for event in EVENTS if event.durable],
        ),
        (
            "EphemeralEvent",
            "An event that is never stored: it may be lost, and is never replayed.",
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
