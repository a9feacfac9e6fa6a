"""Streamed messages: their sender appends to the text bit by bit, and finishes it with one event of the log.

An append writes no event: the text so far is in the message's row, and the members receive an ephemeral event. Each
append holds the lock of the room's head, as every other change of a message does, so none overwrites the other.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from accounts.models import Session
from api.models import Job, Message, StreamedMessage
from api.serializers.authors import Author
from api.serializers.message_shape import complete
from api.serializers.messages import refuse_empty
from api.services import jobs
from api.services.members.access import find_sender
from api.services.messages.find import find_message
from eventlog.transaction import EventTransaction, record_events
from wire import strict_json
from wire.fields import TEXT_BYTES, TEXT_CHARS
from wire.problems import FieldError, Problem, define, invalid

SILENT_SECONDS = 60.0  # after which a message is finished for its sender

define("message.not_streaming", 409, "The message is not being streamed, or is finished already")
define("message.streaming", 409, "The message is still being streamed: finish it first")
define("stream.offset", 409, "The offset is not the end of the text so far")

Shape = dict[str, Any]


def append_message(*, session: Session, room_id: UUID, message_id: UUID, offset: int, text: str) -> str:
    """Append to a streamed message and return the Message as JSON. `offset` is the number of code points before.

    An append that repeats what is there changes nothing. Raises Problem stream.offset, message.not_streaming,
    message.not_author, request.invalid (the text becomes too long), or those of a send.
    """
    with record_events(rooms=[room_id], session=session) as log:
        message, shape = _find_own(session, room_id, message_id)
        if not shape["streaming"]:
            raise Problem("message.not_streaming")
        written: str = shape["text"]
        end = offset + len(text)
        is_known = end <= len(written) and written[offset:end] == text
        if not is_known and offset != len(written):
            detail = f"The text so far has {len(written)} code points, and differs from this one or ends before it."
            errors = [FieldError("offset", "invalid", f"The next offset is {len(written)}.")]
            raise Problem("stream.offset", detail, errors=errors, offset=len(written))
        if not is_known:
            shape["text"] = written + text
            if len(shape["text"]) > TEXT_CHARS or len(shape["text"].encode()) > TEXT_BYTES:
                detail = f"A message has at most {TEXT_CHARS} code points and {TEXT_BYTES} bytes of UTF-8."
                raise invalid("text", "max_length", detail)
            message.data = strict_json.dumps(shape).decode()
            message.save(update_fields=["data"])
            data = {"id": message_id, "room_id": room_id, "offset": offset, "text": text}
            log.emit_ephemeral(
                room_id, "text.appended", session.user_id, data, min_seq=log.head(room_id), of_seq=message.seq
            )
        StreamedMessage.objects.filter(pk=message_id).update(appended_at=log.now)
        return message.data


def finish_message(*, session: Session, room_id: UUID, message_id: UUID, text: str | None = None) -> str:
    """Finish a streamed message, with another whole text if one is given, and return the Message as JSON.

    Finishing it again with the same text, or without one, changes nothing. Raises Problem message.not_streaming,
    message.not_author, or those of a send.
    """
    with record_events(rooms=[room_id], session=session) as log:
        message, shape = _find_own(session, room_id, message_id)
        if not shape["streaming"]:
            is_repeated = text in (None, shape["text"]) and message.deleted_at is None
            if not is_repeated or not StreamedMessage.objects.filter(pk=message_id).exists():
                raise Problem("message.not_streaming")
            return complete(message.data)
        if text is not None:
            shape["text"] = text
        refuse_empty(shape["text"], shape["metadata"], shape["forwarded"])
        return _finish(log, message, shape)


def finish_silent(job: Job) -> bool:
    """Finish one message whose sender has been silent; return whether there was none."""
    silent = StreamedMessage.objects.filter(appended_at__lt=timezone.now() - timedelta(seconds=SILENT_SECONDS))
    streamed = silent.order_by("appended_at", "pk").first()
    if streamed is None:
        return True
    with record_events(rooms=[streamed.room_id]) as log:
        if silent.filter(pk=streamed.pk).exists():  # its sender may have appended while the lock was waited for
            message = Message.objects.select_related("sender").get(pk=streamed.pk)
            shape: Shape = orjson.loads(complete(message.data))
            if shape["streaming"]:
                _finish(log, message, shape | {"interrupted": True})
            else:  # it was deleted
                StreamedMessage.objects.filter(pk=streamed.pk).update(appended_at=None)
        jobs.save_position(job)
    return False


def _find_own(session: Session, room_id: UUID, message_id: UUID) -> tuple[Message, Shape]:
    message = find_message(find_sender(session.user_id, room_id), message_id)
    if message.sender_id != session.user_id:
        raise Problem("message.not_author", "Only its author writes a message.")
    return message, orjson.loads(complete(message.data))


def _finish(log: EventTransaction, message: Message, shape: Shape) -> str:
    """Write the event that ends a stream. It is no edit: `edited_at` stays null."""
    message.version = log.next_seq(message.room_id)
    sender = Author.of(message.sender)._asdict()
    shape |= {"version": message.version, "sender": sender, "streaming": False}
    message.data = strict_json.dumps(shape).decode()
    message.save(update_fields=["version", "data"])
    StreamedMessage.objects.filter(pk=message.pk).update(appended_at=None)
    log.append(message.room_id, "message.edited", message.sender_id, message.data, message.pk)
    return message.data
