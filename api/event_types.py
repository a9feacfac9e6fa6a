"""Declares the event types of the chat: those of the log, and the ephemeral ones about messages, markers and drafts."""

from collections.abc import Mapping
from typing import Any

from api.serializers.blocks import BlockChangedSerializer
from api.serializers.drafts import DraftUpdatedSerializer
from api.serializers.earlier_rooms import complete_preferences, complete_room
from api.serializers.invites import (
    InviteCreatedSerializer,
    InviteEndedSerializer,
    RoomInvitedSerializer,
    RoomUninvitedSerializer,
)
from api.serializers.me import MyselfSerializer
from api.serializers.members import MemberSerializer, complete_member
from api.serializers.message_shape import MessageSerializer, MessagesPurgedSerializer, UserErasedSerializer, complete
from api.serializers.partial_events import PinChangedSerializer
from api.serializers.reactions import ReactionChangedSerializer
from api.serializers.reads import ReadUpdatedSerializer
from api.serializers.receipts import DeliveredUpdatedSerializer
from api.serializers.rooms import (
    RoomAddedSerializer,
    RoomCreatedSerializer,
    RoomPreferredSerializer,
    RoomRemovedSerializer,
    RoomSnapshotSerializer,
)
from api.serializers.sanctions import SanctionEventSerializer
from api.serializers.streamed import TextAppendedSerializer
from api.serializers.threads import ThreadChangedSerializer, ThreadFollowedSerializer, ThreadReadSerializer
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
        complete_room,
    ),
    EventType("text.appended", TextAppendedSerializer, ROOM, False, "The text of a streamed message goes on."),
    EventType(
        "room.updated",
        RoomSnapshotSerializer,
        ROOM,
        True,
        "A field of the room changed: name, slug, topic, metadata, posting, slow mode, retention or mode.",
        complete=complete_room,
    ),
    EventType(
        "room.archived",
        RoomSnapshotSerializer,
        ROOM,
        True,
        "The room was archived: it is read-only.",
        complete=complete_room,
    ),
    EventType("room.unarchived", RoomSnapshotSerializer, ROOM, True, "The room was reopened.", complete=complete_room),
    EventType(
        "member.joined",
        MemberSerializer,
        ROOM,
        True,
        "A user joined or was added.",
        membership_of_joined,
        complete_member,
    ),
    EventType("member.left", MemberSerializer, ROOM, True, "A member left.", membership_of_left, complete_member),
    EventType(
        "member.removed", MemberSerializer, ROOM, True, "A member was removed.", membership_of_left, complete_member
    ),
    EventType(
        "member.role_changed", MemberSerializer, ROOM, True, "A member's role changed.", complete=complete_member
    ),
    EventType("invite.created", InviteCreatedSerializer, ROOM, True, "A user was invited."),
    EventType("invite.ended", InviteEndedSerializer, ROOM, True, "An invitation ended."),
    EventType("ban.created", SanctionEventSerializer, ROOM, True, "A user was banned, or a ban changed."),
    EventType("ban.ended", SanctionEventSerializer, ROOM, True, "A ban was lifted."),
    EventType("mute.created", SanctionEventSerializer, ROOM, True, "A member was muted, or a mute changed."),
    EventType("mute.ended", SanctionEventSerializer, ROOM, True, "A mute was lifted."),
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
    EventType("reaction.changed", ReactionChangedSerializer, ROOM, True, "A user reacted to a message, or no longer."),
    EventType("pin.added", PinChangedSerializer, ROOM, True, "A message was pinned."),
    EventType("pin.removed", PinChangedSerializer, ROOM, True, "A message is no longer pinned."),
    EventType(
        "messages.purged",
        MessagesPurgedSerializer,
        ROOM,
        True,
        "Messages older than the room keeps became tombstones.",
    ),
    EventType("thread.changed", ThreadChangedSerializer, ROOM, True, "A message has new replies in its thread."),
    EventType("thread.followed", ThreadFollowedSerializer, INBOX, True, "I follow a thread."),
    EventType("thread.unfollowed", ThreadFollowedSerializer, INBOX, True, "I no longer follow a thread."),
    EventType("thread.read", ThreadReadSerializer, INBOX, True, "My read marker of a thread moved."),
    EventType("draft.updated", DraftUpdatedSerializer, INBOX, False, "A draft of mine changed, on any of my devices."),
    EventType("user.erased", UserErasedSerializer, ROOM, True, "The account of a user was deleted."),
    EventType(
        "room.added",
        RoomAddedSerializer,
        INBOX,
        True,
        "I was added to a room; `seq` is that of my join.",
        complete=complete_room,
    ),
    EventType(
        "room.removed",
        RoomRemovedSerializer,
        INBOX,
        True,
        "I left a room, or was removed at `seq`.",
        complete=complete_room,
    ),
    EventType("me.updated", MyselfSerializer, INBOX, True, "My profile or my settings changed, on any of my devices."),
    EventType("block.added", BlockChangedSerializer, INBOX, True, "I blocked a user: their messages become stubs."),
    EventType("block.removed", BlockChangedSerializer, INBOX, True, "I unblocked a user: the stubs are stale."),
    EventType(
        "room.preferred",
        RoomPreferredSerializer,
        INBOX,
        True,
        "I changed my view of a room.",
        complete=complete_preferences,
    ),
    EventType("room.invited", RoomInvitedSerializer, INBOX, True, "I was invited to a room."),
    EventType("room.uninvited", RoomUninvitedSerializer, INBOX, True, "An invitation of mine ended."),
    EventType("read.updated", ReadUpdatedSerializer, INBOX, True, "My read marker moved, on any of my devices."),
    EventType(
        "delivered.updated",
        DeliveredUpdatedSerializer,
        ROOM,
        False,
        "Messages have reached a device of a member (small rooms).",
    ),
    EventType("read.updated", ReadUpdatedSerializer, ROOM, False, "The read marker of a member moved (small rooms)."),
)
