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
    RoomEventSerializer,
    RoomPreferredSerializer,
    RoomRemovedSerializer,
)
from api.serializers.sync import LimitedSerializer
from realtime.contracts.components import Components, Kind, Schema
from wire.fields import TimeField


class MarkerMovedSerializer(serializers.Serializer[Any]):
    """How far a member has read. An own message whose seq is above `head` moves the marker on: it came later."""

    room_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    read_seq = serializers.IntegerField()
    head = serializers.IntegerField()


class OwnMarkerMovedSerializer(MarkerMovedSerializer):
    """How far I have read, on some device, and what that leaves unread as of the room's `head`."""

    unread = serializers.IntegerField(help_text=UNREAD)
    unread_capped = serializers.BooleanField()


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
    """When the session ends: authenticate with a fresh token before."""

    expires_at = TimeField()


@dataclass(frozen=True, slots=True)
class EventType:
    """What the contracts say of an event type. `stream` is where it is heard: room, inbox, or both."""

    type: str
    data: Kind
    stream: str
    durable: bool
    summary: str

    @property
    def component(self) -> str:
        """MessageCreatedEvent; the marker's two lives are told apart by their stream."""
        words = self.type.replace("_", ".").split(".")
        prefix = "Room" if (self.type, self.durable) == ("read.updated", False) else ""
        return prefix + "".join(word.capitalize() for word in words) + "Event"


EVENTS = (
    EventType("room.created", RoomCreatedSerializer, "room", True, "The room exists, with its first members."),
    EventType("room.updated", RoomEventSerializer, "room", True, "Name, slug, topic or metadata changed."),
    EventType("room.archived", RoomEventSerializer, "room", True, "The room is read-only from here."),
    EventType("room.unarchived", RoomEventSerializer, "room", True, "The room is open again from here."),
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
    EventType("read.updated", OwnMarkerMovedSerializer, "inbox", True, "My read marker moved, on some device."),
    EventType("read.updated", MarkerMovedSerializer, "room", False, "A member of a small room read on."),
    EventType("typing", TypingSetSerializer, "room", False, "Who is typing, the full set."),
    EventType("room.synced", RoomHeadSerializer, "both", False, "The end of a replay; live from here."),
    EventType("room.limited", LimitedSerializer, "both", False, "Too much was missed to be replayed."),
    EventType("room.reset", RoomResetSerializer, "both", False, "The cursor is worth nothing any more."),
    EventType("session.expiring", ExpirySerializer, "inbox", False, "The session ends within a minute."),
)


def add_events(components: Components) -> None:
    """Event: whatever the log holds, told apart by `type`. PushedEvent: that, and what is never stored."""
    _same_as_the_log()
    for event in EVENTS:
        components.add(event.component, _schema(components, event))
    durable = [event for event in EVENTS if event.durable]
    mapping = {event.type: _ref(event)["$ref"] for event in durable}
    components.add(
        "Event",
        {
            "description": "One thing that happened, as the log keeps it. Pass over types that you do not know.",
            "oneOf": [_ref(event) for event in durable],
            "discriminator": {"propertyName": "type", "mapping": mapping},
        },
    )
    components.add(
        "EphemeralEvent",
        {
            "description": "What is never stored: it may be lost, and is never replayed.",
            "oneOf": [_ref(event) for event in EVENTS if not event.durable],
        },
    )


def _schema(components: Components, event: EventType) -> Schema:
    uuid: Schema = {"type": "string", "format": "uuid"}
    null: Schema = {"type": "null"}
    room = {"room": uuid, "inbox": null, "both": {**uuid, "type": ["string", "null"]}}[event.stream]
    return {
        "type": "object",
        "description": event.summary,
        "properties": {
            "type": {"const": event.type},
            "room_id": room,
            "seq": {"type": "integer", "minimum": 1} if event.durable else null,
            "at": {"type": "string", "format": "date-time"},
            "actor_id": {"type": ["string", "null"], "format": "uuid"},
            "data": components.ref(event.data),
        },
        "required": ["type", "room_id", "seq", "at", "actor_id", "data"],
    }


def _ref(event: EventType) -> Schema:
    return {"$ref": f"#/components/schemas/{event.component}"}


def _same_as_the_log() -> None:
    told = {event.type for event in EVENTS if event.durable}
    if told != {*ROOM_TYPES, *INBOX_TYPES}:
        raise ValueError(f"EVENTS and the log disagree about {told ^ {*ROOM_TYPES, *INBOX_TYPES}}.")
