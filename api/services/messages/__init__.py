"""Messages: sending, reading, editing and deleting them.

Each change is written in the transaction of its event in the room's log. Sends of the same time share one transaction.
"""

from collections.abc import Mapping
from typing import Any
from unicodedata import normalize
from uuid import UUID

import orjson

from accounts.models import Session
from api.models import Message, Reaction
from api.models.choices import Permission
from api.serializers.authors import Author
from api.serializers.message_shape import complete, render_stored
from api.serializers.messages import refuse_empty
from api.serializers.stubs import hide_message
from api.services.members.access import find_reader, find_sender, find_writer
from api.services.messages.find import find_message
from api.services.messages.group_commit import group_committer
from api.services.messages.history import get_events, get_messages
from api.services.messages.mentions import NO_MENTIONS, replace_mentions, resolve_mentions
from api.services.messages.partial import change_fields
from api.services.messages.retries import is_stored
from api.services.messages.send import Send, SendResult, send_messages
from api.services.messages.streamed import append_message, finish_message, finish_silent
from api.services.messages.tombstones import empty, remove_relations
from api.services.messages.versions import get_versions, last_whole_version
from eventlog.transaction import EventTransaction, record_events
from wire import strict_json
from wire.fields import format_time
from wire.problems import Problem, define

__all__ = [
    "Send",
    "SendResult",
    "append_message",
    "asend_message",
    "change_fields",
    "delete_message",
    "edit_message",
    "find_message",
    "finish_message",
    "finish_silent",
    "get_events",
    "get_message",
    "get_messages",
    "get_versions",
    "is_stored",
    "send_message",
    "send_messages",
]

define("message.version_conflict", 409, "The message has changed since that version")
define("message.deleted", 409, "The message is deleted")
define("message.not_author", 403, "The message has another author")


def send_message(
    *,
    session: Session,
    room_id: UUID,
    client_id: str,
    text: str,
    metadata: Mapping[str, Any] | None = None,
    reply_to: UUID | None = None,
    **more: Any,
) -> SendResult:
    """Send a message; a retry with the same client_id returns the message that the first try created.

    `more` are the further fields of Send. Sends that run at the same time are committed together. Raises Problem
    message.client_id_reused, room.archived, room.peer_deleted, user.blocked, room.muted, room.read_only,
    room.slow_mode, room.not_member, room.role_required (mentions), not_found, request.invalid (reply_to, thread_root,
    mentions), message.deleted (the forwarded one), limit.send_room, auth.invalid_token or auth.account_disabled;
    OperationalError when the database does not answer within DATABASE_SECONDS.
    """
    send = Send(session, room_id, client_id, text, metadata or {}, reply_to, **more)
    sent: SendResult = group_committer.send(send)
    return sent


async def asend_message(
    *,
    session: Session,
    room_id: UUID,
    client_id: str,
    text: str,
    metadata: Mapping[str, Any] | None = None,
    reply_to: UUID | None = None,
    **more: Any,
) -> SendResult:
    """Send a message from an event loop. See `send_message`."""
    send = Send(session, room_id, client_id, text, metadata or {}, reply_to, **more)
    sent: SendResult = await group_committer.asend(send)
    return sent


def get_message(*, user_id: UUID, room_id: UUID, message_id: UUID) -> dict[str, Any]:
    """Return a message and, if it has reactions, `mine`: the keys of the user's own ones.

    Raises Problem not_found for one that does not exist or that the user may not see.
    """
    reader = find_reader(user_id, room_id)
    message = render_stored(reader.member.room, find_message(reader.member, message_id).data)
    shape: dict[str, Any] = orjson.loads(hide_message(message, reader.blocked))
    if shape["reactions"]:
        shape["mine"] = Reaction.objects.keys_of(user_id, {shape["id"]: shape["reactions"]})
    return shape


def edit_message(
    *,
    session: Session,
    room_id: UUID,
    message_id: UUID,
    text: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    mentions: Mapping[str, Any] | None = None,
    if_version: int | None = None,
) -> str:
    """Change the given fields and return the Message as JSON.

    Raises as find_sender, find_message and record_events, and Problem message.not_author, message.deleted,
    message.streaming, message.version_conflict, and for mentions request.invalid or room.role_required.

    An edit that changes nothing is no conflict, so that an edit can be retried (RFC 9110, 13.1.1).
    """
    with record_events(rooms=[room_id], session=session) as log:
        message = find_message(find_sender(session.user_id, room_id), message_id)
        shape = _shape_to_edit(session, message)
        named = None if mentions is None else resolve_mentions((room_id, session.user_id), mentions)
        changes = {
            name: value
            for name, value in {"text": text, "metadata": metadata, "mentions": named}.items()
            if value is not None and _canonical(value) != _canonical(shape[name])
        }
        if not changes:
            return complete(message.data)
        # Reactions and pins change the version, and are no conflict with an edit.
        if if_version is not None and not last_whole_version(message) <= if_version <= message.version:
            raise Problem("message.version_conflict", f"Its version is {message.version} now.")
        refuse_empty(**{name: (shape | changes)[name] for name in ("text", "metadata", "forwarded")})
        edited = shape | changes | {"edited_at": format_time(log.at)}
        if "mentions" in changes:
            replace_mentions(message, edited["mentions"])
        return _record(log, message, "message.edited", session.user_id, edited)


def _shape_to_edit(session: Session, message: Message) -> dict[str, Any]:
    """Return the Message, which the user may edit. Raises Problem message.not_author, .deleted or .streaming."""
    if message.sender_id != session.user_id:
        raise Problem("message.not_author", "Only its author edits a message.")
    if message.deleted_at is not None:
        raise Problem("message.deleted")
    shape: dict[str, Any] = orjson.loads(complete(message.data))
    if shape["streaming"]:
        raise Problem("message.streaming")
    return shape


def _canonical(value: object) -> bytes:
    """Return a comparable form: a text in NFC; metadata as JSON, because in Python 1, 1.0 and True are equal."""
    if isinstance(value, str):
        value = normalize("NFC", value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def delete_message(*, session: Session, room_id: UUID, message_id: UUID) -> None:
    """Replace a message by a tombstone. Raises as find_writer, find_message and record_events, and Problem
    message.not_author.

    Deleting a deleted message does nothing, so that a deletion can be retried.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = find_writer(session.user_id, room_id)
        message = find_message(member, message_id)
        if message.sender_id != session.user_id and Permission.DELETE_ANY not in member.can():
            raise Problem("message.not_author", "Only its author or an admin deletes a message.")
        if message.deleted_at is not None:
            return
        message.deleted_at = log.at
        shape = orjson.loads(complete(message.data))
        if shape["reactions"] or shape["pinned_at"] or shape["forwarded"] or shape["mentions"] != NO_MENTIONS:
            remove_relations([message_id])
        data = _record(log, message, "message.deleted", session.user_id, empty(message.data, log.at))
        # The text is removed everywhere: the earlier events carry the tombstone too, under their own seqs.
        log.rewrite_message(room_id, message_id, data)


def _record(log: EventTransaction, message: Message, event_type: str, actor_id: UUID, shape: dict[str, Any]) -> str:
    """Write a message's new state and its event. Return the JSON that both carry."""
    message.version = log.next_seq(message.room_id)
    shape |= {"version": message.version, "sender": Author.of(message.sender)._asdict()}
    message.data = strict_json.dumps(shape).decode()
    message.save(update_fields=["version", "data", "deleted_at"])
    log.append(message.room_id, event_type, actor_id, message.data, message.pk)
    return message.data
