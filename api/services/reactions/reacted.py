"""The reactions of one message while a transaction changes them, and the rows that it writes in the end."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from api.models import Message, Reaction
from api.serializers.message_shape import complete, render_stored
from api.serializers.partial_events import render_partial
from api.serializers.stubs import stub_message
from eventlog.transaction import EventTransaction
from wire import strict_json
from wire.problems import Problem, define
from wire.row_tables import as_uuid, insert, rows_as_table

MAX_KEYS = 20  # of a message
MAX_KEYS_OF_USER = 10  # of a user on a message
SHOWN_USERS = 5  # of a key

define("reaction.limit", 409, "The message has too many different reactions, or you have too many on it")

_MESSAGE, _REACTION = Message._meta.db_table, Reaction._meta.db_table


@dataclass(slots=True)
class _Users:
    """The users of one key: how many, and the first ones in the order of their time. Texts, as the Message has them."""

    count: int
    first: list[str]

    @property
    def are_known(self) -> bool:
        """Return whether the first ones are all."""
        return len(self.first) == self.count

    def shape(self, key: str) -> dict[str, Any]:
        """Return the reaction as the Message has it."""
        return {"key": key, "count": self.count, "user_ids": self.first[:SHOWN_USERS]}


@dataclass(slots=True)
class StoredMessage:
    """A message of a locked room, with what its room shows of it."""

    pk: UUID
    room_id: UUID
    seq: int
    version: int
    deleted_at: datetime | None
    data: str
    history: str
    purged_before_seq: int
    purged_seq: int


class ReactedMessage:
    """One message of a locked room, and the changes of its reactions so far."""

    def __init__(self, message: StoredMessage) -> None:
        self.message = message
        self.keys_of: dict[UUID, set[str]] = {}  # by user; of the users of this transaction alone
        self.users: dict[str, _Users] = {}  # by key, in the order of the first use
        # By user and key, whether the reaction was stored, and the seq of its event if it is there in the end.
        self.changes: dict[tuple[UUID, str], tuple[bool, int | None]] = {}
        self._shape = orjson.loads(complete(message.data))
        for each in self._shape["reactions"]:
            self.users[each["key"]] = _Users(each["count"], each["user_ids"])

    def render_for(self, *, hides_sender: bool) -> str:
        """Return the stored Message, as a client receives it whose user blocks the sender or does not."""
        json = render_stored(self.message, self.message.data)
        return (stub_message(json) if hides_sender else json).decode()

    def change(self, log: EventTransaction, user_id: UUID, key: str, *, on: bool) -> Problem | None:
        """Add or remove a reaction, with its event; nothing when it is so already. Return why it is refused."""
        keys = self.keys_of[user_id]
        if (key in keys) is on:
            return None
        if on and (len(keys) >= MAX_KEYS_OF_USER or (key not in self.users and len(self.users) >= MAX_KEYS)):
            return Problem("reaction.limit")
        users = self.users.setdefault(key, _Users(0, []))
        if on:
            keys.add(key)
            if users.are_known:
                users.first.append(str(user_id))
            users.count += 1
        else:
            keys.discard(key)
            if str(user_id) in users.first:
                users.first.remove(str(user_id))
            users.count -= 1
        if not users.count:
            del self.users[key]
        message, seq = self.message, log.next_seq(self.message.room_id)
        change = {"user_id": user_id, "key": key, "on": on}
        data = render_partial(message, seq, change=change, reaction=users.shape(key))
        log.append(message.room_id, "reaction.changed", user_id, data)
        message.version = seq
        was_stored, _ = self.changes.get((user_id, key), (not on, None))
        self.changes[user_id, key] = (was_stored, seq if on else None)
        return None

    def render(self) -> None:
        """Render the Message with its changed reactions."""
        reactions = [users.shape(key) for key, users in self.users.items()]
        shape = self._shape | {"version": self.message.version, "reactions": reactions}
        self.message.data = strict_json.dumps(shape).decode()


def read_more_users(removed: Iterable[tuple[ReactedMessage, str, UUID]]) -> None:
    """Read more of the first users of the keys from which one of those shown is removed: others take their places.

    One query reads all, for each key as many users as can be shown after the removals.
    """
    depths: Counter[tuple[UUID, str]] = Counter()
    found: dict[tuple[UUID, str], _Users] = {}
    for reacted, key, user_id in removed:
        users = reacted.users.get(key)
        if users is not None and not users.are_known:
            depths[reacted.message.pk, key] += 1
            if str(user_id) in users.first:
                found[reacted.message.pk, key] = users
    if not found:
        return
    one = (
        f"SELECT * FROM (SELECT message_id, key, user_id, seq FROM {_REACTION} WHERE message_id = %s AND key = %s"
        " ORDER BY seq LIMIT %s) AS first_of_key"
    )
    parameters: list[Any] = []
    for message_id, key in found:
        stored_id = message_id if connection.vendor == "postgresql" else message_id.hex
        parameters += [stored_id, key, SHOWN_USERS + depths[message_id, key]]
        found[message_id, key].first = []
    with connection.cursor() as cursor:
        cursor.execute(f"{' UNION ALL '.join([one] * len(found))} ORDER BY seq", parameters)
        for message_id, key, user_id, _ in cursor.fetchall():
            found[as_uuid(message_id), key].first.append(str(as_uuid(user_id)))


_UPDATE_MESSAGES = f"""UPDATE {_MESSAGE} SET data = reacted.data, version = reacted.version
                       FROM {{reacted}} WHERE {_MESSAGE}.id = reacted.id"""


def write_changes(log: EventTransaction, messages: Sequence[ReactedMessage]) -> None:
    """Write the rows of messages that have changes and are rendered, and those of their reactions."""
    reacted, parameters = rows_as_table(
        "reacted",
        id=("uuid", [each.message.pk for each in messages]),
        version=("bigint", [each.message.version for each in messages]),
        data=("text", [each.message.data for each in messages]),
    )
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE_MESSAGES.format(reacted=reacted), parameters)
    changes = [(each.message, *key, *change) for each in messages for key, change in each.changes.items()]
    _delete([(message.pk, user_id, key) for message, user_id, key, was_stored, _ in changes if was_stored])
    _insert(log, [(message, user_id, key, seq) for message, user_id, key, _, seq in changes if seq is not None])


def _delete(rows: Sequence[tuple[UUID, UUID, str]]) -> None:
    if not rows:
        return
    gone, parameters = rows_as_table(
        "gone",
        message_id=("uuid", [message_id for message_id, _, _ in rows]),
        user_id=("uuid", [user_id for _, user_id, _ in rows]),
        key=("text", [key for _, _, key in rows]),
    )
    if connection.vendor == "postgresql":
        # Each row is looked up by the primary key, as in _REMOVE_ONE; a join could be planned to read the whole table.
        condition = f"""WHERE ctid = ANY(ARRAY(SELECT
            (SELECT own.ctid FROM {_REACTION} own WHERE own.message_id = gone.message_id
             AND own.user_id = gone.user_id AND own.key || '' = gone.key) FROM {gone}))"""
    else:
        condition = f"WHERE (message_id, user_id, key) IN (SELECT message_id, user_id, key FROM {gone})"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_REACTION} {condition}", parameters)


def _insert(log: EventTransaction, rows: Sequence[tuple[StoredMessage, UUID, str, int]]) -> None:
    if rows:
        insert(
            _REACTION,
            message_id=("uuid", [message.pk for message, _, _, _ in rows]),
            user_id=("uuid", [user_id for _, user_id, _, _ in rows]),
            key=("text", [key for _, _, key, _ in rows]),
            seq=("bigint", [seq for _, _, _, seq in rows]),
            at=("timestamptz", [log.time_of(message.room_id) for message, _, _, _ in rows]),
        )
