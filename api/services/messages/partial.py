"""Partial events: a change of some fields of a message, without its text."""

from typing import Any
from uuid import UUID

import orjson

from api.models import Message
from api.serializers.message_shape import complete
from api.serializers.partial_events import render_partial
from eventlog.transaction import EventTransaction
from wire import strict_json


def change_fields(
    log: EventTransaction, message: Message, event_type: str, actor_id: UUID | None, **fields: Any
) -> None:
    """Set fields of a message in a locked room, and append the partial event that carries them.

    The event has no `message_id` in the log: a deletion leaves it as it is.
    """
    version = log.next_seq(message.room_id)
    log.append(message.room_id, event_type, actor_id, render_partial(message, version, **fields))
    message.version = version
    message.data = strict_json.dumps(orjson.loads(complete(message.data)) | {"version": version, **fields}).decode()
    message.save(update_fields=["version", "data"])
