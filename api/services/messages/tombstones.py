"""Tombstones: what is left of a message whose content is removed, in its row and in every event that carried it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from api.models import Forward, Mention, Message, Pin, Reaction
from api.serializers.authors import Author
from api.serializers.message_shape import DEFAULTS, complete
from eventlog.transaction import EventTransaction
from wire import strict_json
from wire.fields import format_time
from wire.row_tables import rows_as_table

_MESSAGE = Message._meta.db_table
_UPDATE = f"""UPDATE {_MESSAGE} SET data = buried.data, version = buried.version, deleted_at = buried.deleted_at
              FROM {{buried}} WHERE {_MESSAGE}.id = buried.id"""


class Tombstone(NamedTuple):
    """The new state of a message: its JSON, and the seq of the event that removes its content."""

    message_id: UUID
    version: int
    data: str


def empty(data: str, at: datetime) -> dict[str, Any]:
    """Return a Message without its content, deleted at this time. Its version and sender are left to the caller."""
    shape = orjson.loads(complete(data))
    kept = {name: shape[name] for name in ("thread_root", "in_room", "thread")}  # its place, and the replies to it
    no_content: dict[str, Any] = {"text": None, "metadata": {}, "reply_to": None, "deleted_at": format_time(at)}
    return {**shape, **no_content, **DEFAULTS, **kept}


def make_tombstone(message_id: UUID, data: str, *, version: int, at: datetime, sender: Author | None) -> Tombstone:
    """Return the tombstone of a message, with another sender if one is given."""
    shape = empty(data, at) | {"version": version}
    if sender is not None:
        shape["sender"] = sender._asdict()
    return Tombstone(message_id, version, strict_json.dumps(shape).decode())


def remove_relations(message_ids: Collection[UUID]) -> None:
    """Delete the reactions, pins, forwards and mentions of messages, which a tombstone does not have."""
    for model in (Reaction, Pin, Forward, Mention):
        model.objects.filter(message__in=message_ids).delete()


def write_tombstones(log: EventTransaction, room_id: UUID, tombstones: Sequence[Tombstone]) -> None:
    """Write tombstones to the messages of a locked room, and to all earlier events that carry these messages."""
    if not tombstones:
        return
    buried, parameters = rows_as_table(
        "buried",
        id=("uuid", [each.message_id for each in tombstones]),
        version=("bigint", [each.version for each in tombstones]),
        data=("text", [each.data for each in tombstones]),
        deleted_at=("timestamptz", [log.time_of(room_id)] * len(tombstones)),
    )
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE.format(buried=buried), parameters)
    remove_relations([each.message_id for each in tombstones])
    log.rewrite_messages(room_id, {each.message_id: each.data for each in tombstones})
