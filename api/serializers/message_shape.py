"""The Message that every client receives: rendered once when it changes, and stored as JSON."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, AnyStr, Protocol
from uuid import UUID

import orjson
from rest_framework import serializers

from accounts.models import UserKind
from api.serializers.authors import Author, AuthorSerializer
from wire import strict_json
from wire.fields import MetadataField, TimeField, format_time

# The fields of a message that uses no feature beyond text. `blocked` is last: `complete` takes it for the mark of a
# whole Message, so a field that is added after a release needs another mark.
DEFAULTS: Mapping[str, Any] = {
    "mentions": {"users": [], "room": False},
    "attachments": [],
    "reactions": [],
    "thread_root": None,
    "in_room": False,
    "thread": None,
    "pinned_at": None,
    "pinned_by": None,
    "forwarded": None,
    "streaming": False,
    "interrupted": False,
    "blocked": False,
}


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
        **DEFAULTS,
    }


_COMPLETE = frozenset({'"blocked":false}', b'"blocked":false}'})  # the end of a Message with every field


def complete(data: AnyStr) -> AnyStr:
    """Return the JSON of a message with every field. Releases before 0.2 stored messages without those of DEFAULTS."""
    if data[-16:] in _COMPLETE:
        return data
    shape = orjson.loads(data)
    shape["sender"].setdefault("kind", UserKind.PERSON)
    whole = strict_json.dumps(shape | {name: value for name, value in DEFAULTS.items() if name not in shape})
    return whole.decode() if isinstance(data, str) else whole


_ID = slice(len(b'{"id":"'), len(b'{"id":"') + 36)  # as render_message and stubs begin
_REACTIONS, _AFTER_REACTIONS = b'"reactions":', b',"thread_root":'  # as DEFAULTS orders them


def reactions_of(messages: Iterable[bytes]) -> dict[str, list[dict[str, Any]]]:
    """Return the reactions of those of these complete Messages that have some, by message id.

    The rest is not parsed. Metadata can have the same names, but stand before; after them only the server fills fields.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for json in messages:
        end = json.rfind(_AFTER_REACTIONS)
        if end > 0 and json[end - 2 : end] != b"[]":
            start = json.rfind(_REACTIONS, 0, end) + len(_REACTIONS)
            found[json[_ID].decode()] = orjson.loads(json[start:end])
    return found


_SEQ_AND_VERSION = re.compile(rb'"seq":([0-9]+),"version":([0-9]+)')  # as render_message orders them


class Purged(Protocol):
    """A room, or a message with these fields of its room, see Room."""

    purged_before_seq: int
    purged_seq: int


def render_stored(room: Purged, data: str | bytes) -> bytes:
    """Return the JSON of a message, complete, with the version that the room's last purge gives it.

    A purge does not rewrite the messages that were tombstones already: there may be any number of them.
    """
    data = complete(data.encode() if isinstance(data, str) else data)
    found = _SEQ_AND_VERSION.search(data) if room.purged_before_seq else None
    if found is None or int(found[1]) >= room.purged_before_seq or int(found[2]) >= room.purged_seq:
        return data
    return data[: found.start(2)] + str(room.purged_seq).encode() + data[found.end(2) :]


class MessagesPurgedSerializer(serializers.Serializer[Any]):
    """All messages with a seq below `before_seq` are tombstones, and the seq of this event is their version."""

    before_seq = serializers.IntegerField()


class UserErasedSerializer(serializers.Serializer[Any]):
    """A user whose account was deleted: replace the user, by id, wherever it is shown."""

    user = AuthorSerializer()


class MentionsSerializer(serializers.Serializer[Any]):
    """The users whom a message names, and whether it names everybody in the room."""

    users = serializers.ListField(child=serializers.UUIDField())
    room = serializers.BooleanField()


class ReactionSerializer(serializers.Serializer[Any]):
    """All reactions to a message with one key; `user_ids` are the first five users by time."""

    key = serializers.CharField()
    count = serializers.IntegerField()
    user_ids = serializers.ListField(child=serializers.UUIDField())


class ThreadSerializer(serializers.Serializer[Any]):
    """The replies to a message in its thread; `user_ids` are at most five repliers, the newest first."""

    reply_count = serializers.IntegerField()
    last_reply_at = TimeField()
    last_seq = serializers.IntegerField()
    user_ids = serializers.ListField(child=serializers.UUIDField())


class ForwardedSerializer(serializers.Serializer[Any]):
    """The message that was forwarded, as it was then."""

    message_id = serializers.UUIDField()
    room_id = serializers.UUIDField()
    sender = AuthorSerializer()
    text = serializers.CharField(allow_null=True)
    attachments = serializers.ListField(child=serializers.DictField())
    created_at = TimeField()


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
    mentions = MentionsSerializer()
    attachments = serializers.ListField(child=serializers.DictField(), help_text="Always empty in this release.")
    reactions = ReactionSerializer(many=True)
    thread_root = serializers.UUIDField(allow_null=True, help_text="The message that this one replies to in a thread.")
    in_room = serializers.BooleanField(help_text="A reply in a thread that the main line shows too.")
    thread = ThreadSerializer(allow_null=True)
    pinned_at = TimeField(allow_null=True)
    pinned_by = serializers.UUIDField(allow_null=True)
    forwarded = ForwardedSerializer(allow_null=True)
    streaming = serializers.BooleanField(help_text="Its sender is still writing it.")
    interrupted = serializers.BooleanField(help_text="Its sender fell silent while writing it.")
    blocked = serializers.BooleanField(help_text="I block its sender: the content is left out.")
