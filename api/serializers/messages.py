"""Messages in requests and responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api.serializers.message_shape import MentionsSerializer, MessageSerializer
from wire.fields import (
    MetadataField,
    QueryInt,
    QuerySerializer,
    StrictSerializer,
    TextField,
    TimeField,
    parse_uuid,
)
from wire.times import parse_time

BATCH = 50  # messages of one send_messages, and of one transaction
HISTORY_PAGE = 50
HISTORY_PAGE_MAX = 100
MAX_MENTIONS = 50  # users whom one message names
CLIENT_ID = r"\A[A-Za-z0-9_-]{1,64}\Z"
MAX_SEQ = 2**53 - 1


def refuse_empty(text: str | None, metadata: Mapping[str, Any], forwarded: object = None) -> None:
    """Raise ValidationError for a message that has neither text nor metadata, and forwards nothing."""
    if text == "" and not metadata and forwarded is None:
        detail = ErrorDetail("The text may be empty only with metadata that is not {}, or with a forward.", "blank")
        raise serializers.ValidationError({"text": [detail]})


@dataclass(frozen=True, slots=True)
class ForwardedFrom:
    """The message that a send forwards."""

    room_id: UUID
    message_id: UUID


class ForwardBody(StrictSerializer):
    """The message to forward: any that the sender may see."""

    room_id = serializers.UUIDField()
    message_id = serializers.UUIDField()

    def validate(self, attrs: dict[str, Any]) -> Any:
        return ForwardedFrom(**attrs)


class MentionsBody(StrictSerializer):
    """The users whom a message names. The text is not searched for names."""

    users = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=MAX_MENTIONS,
        required=False,
        default=list,
        help_text="Users who are not members of the room are left out.",
    )
    room = serializers.BooleanField(
        required=False, default=False, help_text="Names everybody in the room; needs `mention_room` in `can`."
    )


class SendMessageBody(StrictSerializer):
    """A message to send. A retry with the same client_id returns the stored message."""

    client_id = serializers.RegexField(CLIENT_ID, trim_whitespace=False)
    text = TextField(allow_blank=True, help_text='May be "" when metadata is not {}, and with a forward.')
    metadata = MetadataField(required=False, default=dict)
    reply_to = serializers.UUIDField(required=False, allow_null=True, default=None)
    forward = ForwardBody(required=False, allow_null=True, default=None)
    streaming = serializers.BooleanField(
        required=False,
        default=False,
        help_text='true: the text, which may be "", is only its beginning; append_message and finish_message follow.',
    )
    thread_root = serializers.UUIDField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Reply in the thread of this message, which is not deleted and not in a thread itself.",
    )
    in_room = serializers.BooleanField(
        required=False, default=False, help_text="With thread_root: the main line of the room shows the reply too."
    )
    mentions = MentionsBody(required=False, allow_null=True, default=None)
    attachments = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=0,
        required=False,
        allow_null=True,
        default=None,
        help_text="Always empty in this release.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        del attrs["attachments"]  # there are no files to name
        if not attrs["streaming"]:
            refuse_empty(attrs["text"], attrs["metadata"], attrs["forward"])
        if attrs["in_room"] and attrs["thread_root"] is None:
            raise serializers.ValidationError({"in_room": ["Only a reply in a thread has it."]}, code="thread_only")
        mentions = attrs["mentions"]
        if mentions is not None and not mentions["users"] and not mentions["room"]:
            attrs["mentions"] = None
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
    mentions = MentionsBody(required=False)
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

THREAD = "The replies in the thread of this message, in place of the room's main line."


class HistoryQuery(QuerySerializer):
    """The page of a room's messages: at most one of before, after and around."""

    before = AnchorField(required=False, help_text=BEFORE)
    after = AnchorField(required=False, help_text=AFTER)
    around = AnchorField(required=False, help_text=AROUND)
    thread = serializers.UUIDField(required=False, help_text=THREAD)
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
    thread = serializers.UUIDField(required=False, allow_null=True, default=None, help_text=THREAD)
    limit = serializers.IntegerField(required=False, default=HISTORY_PAGE, min_value=1, max_value=HISTORY_PAGE_MAX)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return _one_anchor(attrs)


class HistoryPositionSerializer(serializers.Serializer[Any]):
    """The position of a page in the history; the seqs are null when it is empty."""

    oldest_seq = serializers.IntegerField(allow_null=True)
    newest_seq = serializers.IntegerField(allow_null=True)
    more_before = serializers.BooleanField()
    more_after = serializers.BooleanField()


class MineField(serializers.DictField):
    """The keys of the user's own reactions by message id, for the messages beside it."""

    child = serializers.ListField(child=serializers.CharField())

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **options, help_text="The keys of my own reactions, by message id; without messages that have none."
        )


class MessageAndMineSerializer(MessageSerializer):
    """A message and, if it has reactions, beside its fields the keys of the user's own ones."""

    mine = MineField(required=False)


class PinPageSerializer(serializers.Serializer[Any]):
    """A page of the pinned messages of a room, newest pin first."""

    results = MessageSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The value of `cursor` for the next page; null at the end.")
    previous = serializers.CharField(allow_null=True)
    mine = MineField()


class VersionSerializer(serializers.Serializer[Any]):
    """A message as it was from the event with this seq on."""

    version = serializers.IntegerField()
    text = serializers.CharField(allow_null=True)
    metadata = MetadataField()
    mentions = MentionsSerializer()
    at = TimeField()


class VersionsSerializer(serializers.Serializer[Any]):
    """The versions of a message, oldest first: at most the newest 100."""

    results = VersionSerializer(many=True)


class MessageHistorySerializer(serializers.Serializer[Any]):
    """A page of messages, oldest first, as of `head`: follow the room's events from there.

    With `thread`, `root` is the message that began it.
    """

    root = MessageSerializer(required=False)  # with `thread` only
    results = MessageSerializer(many=True)
    page = HistoryPositionSerializer()
    head = serializers.IntegerField()
    epoch = serializers.IntegerField()
    mine = MineField()
