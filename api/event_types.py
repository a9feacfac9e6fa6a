"""Declares the event types of the chat: everything in the log, and the read markers of other members."""

from collections.abc import Mapping
from typing import Any

from api.serializers.members import MemberSerializer
from api.serializers.messages import MessageSerializer, UserErasedSerializer
from api.serializers.reads import MarkerMovedSerializer
from api.serializers.rooms import (
    RoomAddedSerializer,
    RoomCreatedSerializer,
    RoomEventSerializer,
    RoomPreferredSerializer,
    RoomRemovedSerializer,
)
from eventlog.event_types import EventType, StreamKind, register

ROOM, INBOX = StreamKind.ROOM, StreamKind.INBOX


def begin_first_memberships(data: Mapping[str, Any]) -> dict[str, bool]:
    """The effect of room.created: its first members begin."""
    return {member["user_id"]: True for member in data["members"]}


def begin_membership(data: Mapping[str, Any]) -> dict[str, bool]:
    """The effect of member.joined."""
    return {data["user"]["id"]: True}


def end_membership(data: Mapping[str, Any]) -> dict[str, bool]:
    """The effect of member.left and member.removed."""
    return {data["user"]["id"]: False}


register(
    EventType(
        "room.created",
        RoomCreatedSerializer,
        ROOM,
        True,
        "The room exists, with its first members.",
        begin_first_memberships,
    ),
    EventType("room.updated", RoomEventSerializer, ROOM, True, "Name, slug, topic or metadata changed."),
    EventType("room.archived", RoomEventSerializer, ROOM, True, "The room is read-only from here."),
    EventType("room.unarchived", RoomEventSerializer, ROOM, True, "The room is open again from here."),
    EventType(
        "member.joined",
        MemberSerializer,
        ROOM,
        True,
        "A user is a member, having joined or been added.",
        begin_membership,
    ),
    EventType("member.left", MemberSerializer, ROOM, True, "A member left.", end_membership),
    EventType("member.removed", MemberSerializer, ROOM, True, "A member was removed.", end_membership),
    EventType("member.role_changed", MemberSerializer, ROOM, True, "A member's role changed."),
    EventType("message.created", MessageSerializer, ROOM, True, "A message was sent."),
    EventType("message.edited", MessageSerializer, ROOM, True, "The text or metadata of a message changed."),
    EventType("message.deleted", MessageSerializer, ROOM, True, "A message is a tombstone from here."),
    EventType("user.erased", UserErasedSerializer, ROOM, True, "A deleted user is a tombstone in all earlier events."),
    EventType("room.added", RoomAddedSerializer, INBOX, True, "I am in a room; `seq` is that of my join."),
    EventType(
        "room.removed", RoomRemovedSerializer, INBOX, True, "I am no longer in a room; `seq` is that of my leave."
    ),
    EventType("room.preferred", RoomPreferredSerializer, INBOX, True, "I hid a room, or show it again."),
    EventType("read.updated", MarkerMovedSerializer, INBOX, True, "My read marker moved, on one of my devices."),
    EventType(
        "read.updated", MarkerMovedSerializer, ROOM, False, "The read marker of another member of a small room moved."
    ),
)
