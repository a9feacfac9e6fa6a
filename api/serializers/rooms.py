"""The shapes of rooms, in answers, events and bodies."""

import re
import unicodedata
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.utils import timezone
from rest_framework import serializers

from api.models import Member, Room
from api.models.choices import (
    INVITED,
    PERMISSIONS,
    PERMISSIONS_IN_ARCHIVED,
    DirectorySort,
    History,
    Kind,
    Notify,
    Posting,
    Role,
    State,
)
from api.models.rooms import NAME_CHARS, SLUG_CHARS, TOPIC_CHARS
from api.serializers.authors import Author, AuthorSerializer
from api.serializers.message_shape import MessageSerializer
from api.serializers.messages import CLIENT_ID
from api.serializers.modes import RoomModeSerializer
from api.serializers.reads import UNREAD, UNREAD_MENTIONS, UNREAD_THREADS
from wire.characters import has_invisible
from wire.fields import MetadataField, NameField, QueryBool, StrictSerializer, TimeField, format_time
from wire.pagination import PageQuery

MAX_FIRST_MEMBERS = 100
MAX_RETENTION_DAYS = 36_500
MAX_SLOW_MODE_SECONDS = 21_600
SLUG_RULE = f"Use 1 to {SLUG_CHARS} letters, digits, _ and -."
_SLUG = re.compile(rf"[\w-]{{1,{SLUG_CHARS}}}")  # \w: letters and digits of any script, and _


_CAN = list(dict.fromkeys([*PERMISSIONS[Role.OWNER], *PERMISSIONS_IN_ARCHIVED[Role.OWNER]]))


def room_event_data(room: Room, epoch: int) -> dict[str, Any]:
    """Render the room for events: the fields that do not depend on the viewer and that only room.* events change."""
    return {
        "id": str(room.id),
        "kind": room.kind,
        "name": room.name,
        "slug": room.slug,
        "topic": room.topic,
        "metadata": room.metadata,
        "history": room.history,
        "posting": room.posting,
        "slow_mode_seconds": room.slow_mode_seconds,
        "retention_days": room.retention_days,
        "mode": room.mode,
        "epoch": epoch,
        "created_at": format_time(room.created_at),
        "archived_at": format_time(room.archived_at) if room.archived_at else None,
    }


UnreadNumbers = tuple[int, bool, int, int]  # unread, whether it is capped, of mentions, of threads


class Peer(NamedTuple):
    """The other member of a direct room."""

    author: Author
    is_deleted: bool


def render_room(
    room: Room,
    member: Member | None,
    *,
    unread: UnreadNumbers = (0, False, 0, 0),
    last_message: bytes | None = None,
    peer: Peer | None = None,
    outside: str | None = None,
) -> dict[str, Any]:
    """Render a room from `RoomQuerySet.with_heads` for one viewer, as RoomSerializer documents it.

    `outside` is the state of a viewer who is no member, if they are invited or banned.
    """
    return room_event_data(room, room.epoch) | {
        "head": room.head,
        "last_event_at": format_time(room.last_event_at),
        "last_message_at": format_time(room.last_message_at) if room.last_message_at else None,
        "member_count": room.member_count,
        "last_message": orjson.Fragment(last_message) if last_message is not None else None,
        "peer": peer.author._asdict() if peer else None,
        "me": _render_me(room, member, unread, peer)
        if member is not None and member.state == State.JOINED
        else _render_outside(member, outside),
    }


def _render_outside(member: Member | None, outside: str | None) -> dict[str, Any]:
    """Render the `me` of a viewer who is no member."""
    # A ban ends by a time, which changes no row.
    former = State.REMOVED if member and member.state == State.BANNED else member and member.state
    return {
        "state": outside or former,
        "role": None,
        "can": [],
        "read_seq": None,
        "unread": 0,
        "unread_capped": False,
        "unread_mentions": 0,
        "unread_threads": 0,
        "notify": Notify.ALL,
        "snoozed_until": None,
        "pinned": False,
        "hidden": False,
        "muted_until": None,
    }


def _render_me(room: Room, member: Member, unread: UnreadNumbers, peer: Peer | None) -> dict[str, Any]:
    member.room = room
    return {
        "state": member.state,
        "role": member.role,
        "can": [] if peer and peer.is_deleted else member.can(),
        "read_seq": member.read_seq,
        "unread": unread[0],
        "unread_capped": unread[1],
        "unread_mentions": unread[2],
        "unread_threads": unread[3],
        "notify": member.notify,
        "snoozed_until": _render_until(member.snoozed_until),
        "pinned": member.pinned,
        "hidden": member.is_hidden,
        "muted_until": _render_until(member.muted_until),
    }


def _render_until(until: datetime | None) -> str | None:
    """Render the end of a state that passes without an event: null when it is over."""
    return format_time(until) if until is not None and until > timezone.now() else None


def render_preferences(member: Member, *, hidden: bool, head: int) -> dict[str, Any]:
    """Render the data of room.preferred, as RoomPreferredSerializer documents it."""
    return {
        "room_id": str(member.room_id),
        "notify": member.notify,
        "snoozed_until": _render_until(member.snoozed_until),
        "pinned": member.pinned,
        "hidden": hidden,
        "head": head,
    }


def fold_slug(raw: str) -> str | None:
    """Return a slug as it is stored and compared (NFKC, casefolded), or None if it breaks the rules."""
    # Casefolding can undo the composition ("ŉ" becomes two characters), so it is composed again.
    slug = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).casefold())
    return slug if _SLUG.fullmatch(slug) and not has_invisible(slug) else None


class SlugField(serializers.CharField):
    """A public room's name in URLs: letters and digits of any script, _ and -."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=SLUG_CHARS, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        slug = fold_slug(super().to_internal_value(data))
        if slug is None:
            raise serializers.ValidationError(SLUG_RULE, code="invalid")
        return slug


class TopicField(NameField):
    """The topic of a room, in one line or several."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_chars=TOPIC_CHARS, multiline=True, trim_whitespace=False, **options)


class CreateRoomBody(StrictSerializer):
    """The body of POST rooms."""

    kind = serializers.ChoiceField(choices=[Kind.PUBLIC, Kind.PRIVATE])
    name = NameField(max_chars=NAME_CHARS)
    slug = SlugField(required=False, allow_null=True, default=None)
    topic = TopicField(required=False, allow_blank=True, default="")
    metadata = MetadataField(required=False, default=dict)
    members = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_FIRST_MEMBERS, default=list)
    history = serializers.ChoiceField(choices=History.choices, required=False)
    client_id = serializers.RegexField(CLIENT_ID, required=False, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["slug"] is not None and attrs["kind"] != Kind.PUBLIC:
            raise serializers.ValidationError({"slug": ["Only public rooms have a slug."]}, code="public_only")
        return attrs


class AdminRoomBody(CreateRoomBody):
    """The body of POST admin/rooms."""

    owner = serializers.UUIDField(help_text="The id of the user who owns the room.")


class UpdateRoomBody(StrictSerializer):
    """The body of PATCH rooms/{id}; absent fields stay unchanged."""

    name = NameField(max_chars=NAME_CHARS, required=False)
    slug = SlugField(required=False, allow_null=True)
    topic = TopicField(required=False, allow_blank=True)
    metadata = MetadataField(required=False)
    posting = serializers.ChoiceField(choices=Posting.choices, required=False)
    slow_mode_seconds = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_SLOW_MODE_SECONDS,
        help_text="The least time between two messages of a member who is no admin; 0: none.",
    )
    retention_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_RETENTION_DAYS,
        help_text="Only an owner changes it; null keeps messages for ever.",
    )


class UpdateRoomMeBody(StrictSerializer):
    """The body of PATCH rooms/{id}/me; absent fields stay unchanged."""

    notify = serializers.ChoiceField(
        choices=Notify.choices, required=False, help_text="Kept for the clients, which notify."
    )
    snoozed_until = TimeField(required=False, allow_null=True, help_text="No notifications before; null ends it.")
    pinned = serializers.BooleanField(required=False, help_text="Clients show the room above the others.")
    hidden = serializers.BooleanField(required=False)


class PutOwnerBody(StrictSerializer):
    """The body of PUT rooms/{id}/owner."""

    user_id = serializers.UUIDField(help_text="A member, who becomes an owner in my place.")


class RoomsQuery(PageQuery):
    """A page of the user's rooms. Without parameters, the rooms that are neither archived nor hidden."""

    archived = QueryBool(required=False, default=False, help_text="true: only archived rooms.")
    hidden = QueryBool(
        required=False, default=False, help_text="true: only hidden rooms; with `archived`, rooms that are both."
    )


class DirectoryQuery(PageQuery):
    """A page of the directory; `q` selects rooms whose name or slug contains each of its words."""

    q = serializers.CharField(
        required=False,
        max_length=100,
        allow_blank=True,
        default="",
        help_text="Words, or parts of words, of the name or the slug, in any case.",
    )
    sort = serializers.ChoiceField(
        choices=DirectorySort.choices,
        required=False,
        default=DirectorySort.NAME,
        help_text="By the newest message, by the number of members, each the greatest first, or by name.",
    )


class RoomMeSerializer(serializers.Serializer[Any]):
    """The viewer's own membership of the room."""

    state = serializers.ChoiceField(choices=[*State, INVITED], allow_null=True)
    role = serializers.ChoiceField(choices=Role.choices, allow_null=True)
    can = serializers.ListField(child=serializers.ChoiceField(choices=_CAN))
    read_seq = serializers.IntegerField(allow_null=True)
    unread = serializers.IntegerField(help_text=UNREAD)
    unread_capped = serializers.BooleanField()
    unread_mentions = serializers.IntegerField(help_text=UNREAD_MENTIONS)
    unread_threads = serializers.IntegerField(help_text=UNREAD_THREADS)
    notify = serializers.ChoiceField(choices=Notify.choices)
    snoozed_until = TimeField(allow_null=True, help_text="It passes without an event: compare with the time.")
    pinned = serializers.BooleanField()
    hidden = serializers.BooleanField(
        help_text="I hid the room and no message was sent since; or the peer opened this direct room and sent nothing."
    )
    muted_until = TimeField(
        allow_null=True,
        help_text="I cannot write before; in the year 9999 for a mute without a time. It passes without an event.",
    )


class RoomPreferredSerializer(serializers.Serializer[Any]):
    """The data of room.preferred: my view of a room. A message with a seq above `head` ends `hidden`."""

    room_id = serializers.UUIDField()
    notify = serializers.ChoiceField(choices=Notify.choices)
    snoozed_until = TimeField(allow_null=True)
    pinned = serializers.BooleanField()
    hidden = serializers.BooleanField()
    head = serializers.IntegerField()


class RoomSnapshotSerializer(serializers.Serializer[Any]):
    """A room in the log: the data of room.updated, room.archived and room.unarchived."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    name = serializers.CharField(allow_null=True)
    slug = serializers.CharField(allow_null=True)
    topic = serializers.CharField(allow_blank=True)
    metadata = MetadataField()
    history = serializers.ChoiceField(choices=History.choices)
    posting = serializers.ChoiceField(
        choices=Posting.choices, help_text="`admins`: only admins and owners write and react."
    )
    slow_mode_seconds = serializers.IntegerField(
        help_text="The least time between two messages of a member without bypass_slow_mode; 0: none."
    )
    retention_days = serializers.IntegerField(
        allow_null=True, help_text="Messages that are older than so many days become tombstones; null: none do."
    )
    mode = RoomModeSerializer()
    epoch = serializers.IntegerField()
    created_at = TimeField()
    archived_at = TimeField(allow_null=True)


class InitialMemberSerializer(serializers.Serializer[Any]):
    """A member of the room since its creation (seq 1)."""

    user_id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices)


class RoomCreatedSerializer(RoomSnapshotSerializer):
    """The data of room.created."""

    members = InitialMemberSerializer(many=True)


class RoomAddedSerializer(RoomSnapshotSerializer):
    """The data of room.added, in the inbox of a new member; `seq` is that of the own join."""

    seq = serializers.IntegerField()
    peer = AuthorSerializer(allow_null=True, help_text="The other member of a direct room; null in other rooms.")


class RoomRemovedSerializer(RoomSnapshotSerializer):
    """The data of room.removed, in the inbox of a former member; `seq` is that of the own leave."""

    seq = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=[State.LEFT, State.REMOVED, State.BANNED])


class RoomSerializer(RoomSnapshotSerializer):
    """A room, as the user of the request sees it."""

    head = serializers.IntegerField()
    last_event_at = TimeField()
    last_message_at = TimeField(
        allow_null=True,
        help_text="The time of the newest message, deleted or not; null before the first. Orders GET rooms.",
    )
    member_count = serializers.IntegerField()
    last_message = MessageSerializer(allow_null=True)
    peer = AuthorSerializer(allow_null=True, help_text="The other member of a direct room; null in other rooms.")
    me = RoomMeSerializer()
