"""Messages: sending, reading, editing and deleting them.

Each change is one transaction that writes the message and its event in the room's log.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from unicodedata import normalize
from uuid import UUID

import orjson

from accounts.models import Session
from api.models import Member, Message
from api.models.choices import Permission
from api.serializers.authors import Author
from api.serializers.message_shape import complete, render_stored
from api.serializers.messages import refuse_empty
from api.services.members.access import find_member, find_sender, find_writer
from api.services.messages.group_commit import group_committer
from api.services.messages.history import get_events, get_messages
from api.services.messages.retries import is_stored
from api.services.messages.send import Send, SendResult, send_messages
from api.services.messages.tombstones import empty
from eventlog.transaction import EventTransaction, record_events
from wire import strict_json
from wire.fields import format_time
from wire.outages import DATABASE_SECONDS, database_timeout
from wire.problems import Problem, define

__all__ = [
    "Send",
    "SendResult",
    "asend_message",
    "delete_message",
    "edit_message",
    "get_events",
    "get_message",
    "get_messages",
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
) -> SendResult:
    """Send a message; a retry with the same client_id returns the message that the first try created.

    Sends that run at the same time are committed together. Raises Problem message.client_id_reused, room.archived,
    room.peer_deleted, room.not_member, not_found, request.invalid (reply_to), auth.invalid_token or
    auth.account_disabled; OperationalError when the database does not answer within DATABASE_SECONDS.
    """
    return group_committer.send(Send(session, room_id, client_id, text, metadata or {}, reply_to))


async def asend_message(
    *,
    session: Session,
    room_id: UUID,
    client_id: str,
    text: str,
    metadata: Mapping[str, Any] | None = None,
    reply_to: UUID | None = None,
) -> SendResult:
    """Send a message from an event loop. See `send_message`."""
    future = group_committer.submit(Send(session, room_id, client_id, text, metadata or {}, reply_to))
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await asyncio.wrap_future(future)
    except TimeoutError as error:
        raise database_timeout() from error


def get_message(*, user_id: UUID, room_id: UUID, message_id: UUID) -> str:
    """Return a message as JSON. Raises Problem not_found for one that does not exist or that the user may not see."""
    member = find_member(user_id, room_id)
    return render_stored(member.room, _find(member, message_id).data).decode()


def edit_message(
    *,
    session: Session,
    room_id: UUID,
    message_id: UUID,
    text: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    if_version: int | None = None,
) -> str:
    """Change the given fields and return the Message as JSON.

    Raises Problem message.not_author, message.deleted, message.version_conflict or room.peer_deleted.

    An edit that changes nothing is no conflict, so that an edit can be retried (RFC 9110, 13.1.1).
    """
    with record_events(rooms=[room_id], session=session) as log:
        message = _find(find_sender(session.user_id, room_id), message_id)
        if message.sender_id != session.user_id:
            raise Problem("message.not_author", "Only its author edits a message.")
        if message.deleted_at is not None:
            raise Problem("message.deleted")
        shape = orjson.loads(complete(message.data))
        changes = {
            name: value
            for name, value in {"text": text, "metadata": metadata}.items()
            if value is not None and _canonical(value) != _canonical(shape[name])
        }
        if not changes:
            return complete(message.data)
        if if_version is not None and if_version != message.version:
            raise Problem("message.version_conflict", f"Its version is {message.version} now.")
        refuse_empty(**{name: (shape | changes)[name] for name in ("text", "metadata")})
        edited = shape | changes | {"edited_at": format_time(log.at)}
        return _record(log, message, "message.edited", session.user_id, edited)


def _canonical(value: object) -> bytes:
    """Return a comparable form: a text in NFC; metadata as JSON, because in Python 1, 1.0 and True are equal."""
    if isinstance(value, str):
        value = normalize("NFC", value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def delete_message(*, session: Session, room_id: UUID, message_id: UUID) -> None:
    """Replace a message by a tombstone. Raises Problem message.not_author.

    Deleting a deleted message does nothing, so that a deletion can be retried.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = find_writer(session.user_id, room_id)
        message = _find(member, message_id)
        if message.sender_id != session.user_id and Permission.DELETE_ANY not in member.can():
            raise Problem("message.not_author", "Only its author or an admin deletes a message.")
        if message.deleted_at is not None:
            return
        message.deleted_at = log.at
        data = _record(log, message, "message.deleted", session.user_id, empty(message.data, log.at))
        # The text is removed everywhere: the earlier events carry the tombstone too, under their own seqs.
        log.rewrite_message(room_id, message_id, data)


def _find(member: Member, message_id: UUID) -> Message:
    message = Message.objects.visible_to(member).select_related("sender").filter(pk=message_id).first()
    if message is None:
        raise Problem("not_found", "There is no such message.")
    return message


def _record(log: EventTransaction, message: Message, event_type: str, actor_id: UUID, shape: dict[str, Any]) -> str:
    """Write a message's new state and its event. Return the JSON that both carry."""
    message.version = log.next_seq(message.room_id)
    shape |= {"version": message.version, "sender": Author.of(message.sender)._asdict()}
    message.data = strict_json.dumps(shape).decode()
    message.save(update_fields=["version", "data", "deleted_at"])
    log.append(message.room_id, event_type, actor_id, message.data, message.pk)
    return message.data
