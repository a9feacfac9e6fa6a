"""Messages in requests and responses."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.models import User
from api.models import Room
from wire.fields import (
    MetadataField,
    QueryInt,
    QuerySerializer,
    StrictSerializer,
    TextField,
    TimeField,
    format_time,
    parse_uuid,
)
from wire.times import parse_time

BATCH = 50  # messages of one send_messages, and of one transaction
HISTORY_PAGE = 50
HISTORY_PAGE_MAX = 100
CLIENT_ID = r"\A[A-Za-z0-9_-]{1,64}\Z"
MAX_SEQ = 2**53 - 1


class Author(NamedTuple):
    """A user as a message shows its sender, and a direct room its other member."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None

    @classmethod
    def of(cls, user: User) -> "Author":
        """The user as they are now."""
        return cls(user.pk, user.username, user.display_name, user.avatar_url)


def render_message(
    *,
    id: UUID,
    room_id: UUID,
    seq: int,
    sender: Author,
    client_id: str,
    text: str,
    metadata: Mapping[str, Any],
    reply_to: UUID | None,
    at: datetime,
) -> dict[str, Any]:
    """Return the Message of a new message. Later events change `version` and their own fields only."""
    return {
        "id": id,
        "room_id": room_id,
        "seq": seq,
        "version": seq,
        "sender": sender._asdict(),
        "client_id": client_id,
        "text": text,
        "metadata": metadata,
        "reply_to": reply_to,
        "created_at": format_time(at),
        "edited_at": None,
        "deleted_at": None,
    }


_SEQ_AND_VERSION = re.compile(rb'"seq":([0-9]+),"version":([0-9]+)')  # as render_message orders them


def raise_version(room: Room, data: bytes) -> bytes:
    """Return the JSON of a message with the version that the room's last purge gives it.

    A purge does not rewrite the messages that were tombstones already: there may be any number of them.
    """
    found = _SEQ_AND_VERSION.search(data) if room.purged_before_seq else None
    if found is None or int(found[1]) >= room.purged_before_seq or int(found[2]) >= room.purged_seq:
        return data
    return data[: found.start(2)] + str(room.purged_seq).encode() + data[found.end(2) :]


class AuthorSerializer(serializers.Serializer[Any]):
    """The sender of a message, as of the message's last event; or the other member of a direct room, as of now."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    avatar_url = serializers.CharField(allow_null=True)


class MessagesPurgedSerializer(serializers.Serializer[Any]):
    """All messages with a seq below `before_seq` are tombstones, and the seq of this event is their version."""

    before_seq = serializers.IntegerField()


class UserErasedSerializer(serializers.Serializer[Any]):
    """A user whose account was deleted: replace the user, by id, wherever it is shown."""

    user = AuthorSerializer()


class MessageSerializer(serializers.Serializer[Any]):
    """A message as of its last event; `version` is that event's seq. A deleted one is a tombstone: text is null."""

    id = serializers.UUIDField()
    room_id = serializers.UUIDField()
    seq = serializers.IntegerField()
    version = serializers.IntegerField()
    sender = AuthorSerializer()
    client_id = serializers.CharField()
    text = serializers.CharField(allow_null=True)
    metadata = MetadataField()
    reply_to = serializers.UUIDField(allow_null=True)
    created_at = TimeField()
    edited_at = TimeField(allow_null=True)
    deleted_at = TimeField(allow_null=True)


def refuse_empty(text: str | None, metadata: Mapping[str, Any]) -> None:
    """Raise ValidationError for a message that has neither text nor metadata."""
    if text == "" and not metadata:
        detail = ErrorDetail("The text may be empty only when metadata is not {}.", "blank")
        raise serializers.ValidationError({"text": [detail]})


class SendMessageBody(StrictSerializer):
    """A message to send. A retry with the same client_id returns the stored message."""

    client_id = serializers.RegexField(CLIENT_ID, trim_whitespace=False)
    text = TextField(allow_blank=True, help_text='May be "" when metadata is not {}.')
    metadata = MetadataField(required=False, default=dict)
    reply_to = serializers.UUIDField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refuse_empty(attrs["text"], attrs["metadata"])
        return attrs


@extend_schema_field(SendMessageBody)
class ItemField(serializers.DictField):
    """An item of a batch, validated later, so that an invalid one fails alone."""


class SendMessagesBody(StrictSerializer):
    """Up to 50 messages to one room, in order."""

    items = serializers.ListField(child=ItemField(), min_length=1, max_length=BATCH)


class EditMessageBody(StrictSerializer):
    """The changes to a message; with `if_version` only if the message still has that version."""

    text = TextField(required=False, allow_blank=True, help_text='May be "" when metadata is not {}.')
    metadata = MetadataField(required=False)
    if_version = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_SEQ)


Anchor = int | UUID | datetime | str


_ANCHOR_UUID = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"


# One type for generated code. In a frame a seq may be an integer too; its text means the same.
@extend_schema_field(
    {"type": "string", "pattern": rf"^(unread|[0-9]{{1,16}}|{_ANCHOR_UUID}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ].+)$"}
)
class AnchorField(serializers.Field[Any, Any, Any, Any]):
    """A position in a room's history: a seq, the id of a message, an RFC 3339 time, or "unread"."""

    default_error_messages = {"invalid": "Give a seq, the id of a message, an RFC 3339 time or unread."}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> Anchor:
        if isinstance(data, int) and not isinstance(data, bool):
            return self._seq(data)
        if not isinstance(data, str):
            self.fail("invalid")
        if data == "unread":
            return data
        if data.isascii() and data.isdigit() and len(data) <= 16:
            return self._seq(int(data))
        anchor = parse_uuid(data) or parse_time(data)
        if anchor is None:
            self.fail("invalid")
        return anchor

    def _seq(self, seq: int) -> int:
        if not 0 <= seq <= MAX_SEQ:
            self.fail("invalid")
        return seq

    def to_representation(self, value: Any) -> Any:
        return value


def _one_anchor(attrs: dict[str, Any]) -> dict[str, Any]:
    named = [name for name in ("before", "after", "around") if attrs.get(name) is not None]
    if len(named) > 1:
        raise serializers.ValidationError({name: ["Give one of before, after, around."] for name in named[1:]}, "one")
    return attrs


PLACE = "this place: a seq, the id of a message, an RFC 3339 time, or `unread`"
BEFORE = f"The newest messages that are older than {PLACE}."
AFTER = f"The oldest messages that are newer than {PLACE}."
AROUND = f"The messages on both sides of {PLACE}; and the message at that place."


class HistoryQuery(QuerySerializer):
    """The page of a room's messages: at most one of before, after and around."""

    before = AnchorField(required=False, help_text=BEFORE)
    after = AnchorField(required=False, help_text=AFTER)
    around = AnchorField(required=False, help_text=AROUND)
    limit = QueryInt(
        required=False, default=HISTORY_PAGE, min_value=1, max_value=HISTORY_PAGE_MAX, help_text="Messages per page."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return _one_anchor(attrs)


class HistoryBody(StrictSerializer):
    """The same as HistoryQuery, in JSON."""

    before = AnchorField(required=False, allow_null=True, default=None, help_text=BEFORE)
    after = AnchorField(required=False, allow_null=True, default=None, help_text=AFTER)
    around = AnchorField(required=False, allow_null=True, default=None, help_text=AROUND)
    limit = serializers.IntegerField(required=False, default=HISTORY_PAGE, min_value=1, max_value=HISTORY_PAGE_MAX)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return _one_anchor(attrs)


class HistoryPositionSerializer(serializers.Serializer[Any]):
    """The position of a page in the history; the seqs are null when it is empty."""

    oldest_seq = serializers.IntegerField(allow_null=True)
    newest_seq = serializers.IntegerField(allow_null=True)
    more_before = serializers.BooleanField()
    more_after = serializers.BooleanField()


class MessageHistorySerializer(serializers.Serializer[Any]):
    """A page of messages, oldest first, as of `head`: follow the room's events from there."""

    results = MessageSerializer(many=True)
    page = HistoryPositionSerializer()
    head = serializers.IntegerField()
    epoch = serializers.IntegerField()
