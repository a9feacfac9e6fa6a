"""Declares the event types of the chat: everything in the log, and the read markers of other members."""

from collections.abc import Mapping
from typing import Any

from api.serializers.members import MemberSerializer
from api.serializers.message_shape import MessageSerializer, MessagesPurgedSerializer, UserErasedSerializer, complete
from api.serializers.reads import ReadUpdatedSerializer
from api.serializers.rooms import (
    RoomAddedSerializer,
    RoomCreatedSerializer,
    RoomPreferredSerializer,
    RoomRemovedSerializer,
    RoomSnapshotSerializer,
)
from eventlog.event_types import EventType, StreamKind, register

ROOM, INBOX = StreamKind.ROOM, StreamKind.INBOX


def membership_of_created(data: Mapping[str, Any]) -> dict[str, bool]:
    """The effect of room.created: its first members begin."""
    return {member["user_id"]: True for member in data["members"]}


def membership_of_joined(data: Mapping[str, Any]) -> dict[str, bool]:
    """The effect of member.joined."""
    return {data["user"]["id"]: True}


def membership_of_left(data: Mapping[str, Any]) -> dict[str, bool]:
    """The effect of member.left and member.removed."""
    return {data["user"]["id"]: False}


register(
    EventType(
        "room.created",
        RoomCreatedSerializer,
        ROOM,
        True,
        "The room was created, with its first members.",
        membership_of_created,
    ),
    EventType("room.updated", RoomSnapshotSerializer, ROOM, True, "Name, slug, topic, metadata or retention changed."),
    EventType("room.archived", RoomSnapshotSerializer, ROOM, True, "The room was archived: it is read-only."),
    EventType("room.unarchived", RoomSnapshotSerializer, ROOM, True, "The room was reopened."),
    EventType(
        "member.joined",
        MemberSerializer,
        ROOM,
        True,
        "A user joined or was added.",
        membership_of_joined,
    ),
    EventType("member.left", MemberSerializer, ROOM, True, "A member left.", membership_of_left),
    EventType("member.removed", MemberSerializer, ROOM, True, "A member was removed.", membership_of_left),
    EventType("member.role_changed", MemberSerializer, ROOM, True, "A member's role changed."),
    EventType("message.created", MessageSerializer, ROOM, True, "A message was sent.", complete=complete),
    EventType(
        "message.edited", MessageSerializer, ROOM, True, "The text or metadata of a message changed.", complete=complete
    ),
    EventType(
        "message.deleted",
        MessageSerializer,
        ROOM,
        True,
        "A message was deleted; a tombstone remains.",
        complete=complete,
    ),
    EventType(
        "messages.purged",
        MessagesPurgedSerializer,
        ROOM,
        True,
        "Messages older than the room keeps became tombstones.",
    ),
    EventType("user.erased", UserErasedSerializer, ROOM, True, "The account of a user was deleted."),
    EventType("room.added", RoomAddedSerializer, INBOX, True, "I was added to a room; `seq` is that of my join."),
    EventType("room.removed", RoomRemovedSerializer, INBOX, True, "I left a room, or was removed at `seq`."),
    EventType("room.preferred", RoomPreferredSerializer, INBOX, True, "I hid a room, or unhid it."),
    EventType("read.updated", ReadUpdatedSerializer, INBOX, True, "My read marker moved, on any of my devices."),
    EventType("read.updated", ReadUpdatedSerializer, ROOM, False, "The read marker of a member moved (small rooms)."),
)
