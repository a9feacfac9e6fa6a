"""Writes reactions: any number of them, of any users to any messages, in one transaction.

Each change is an event of its own; the row of a message is written once for all of its changes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import UUIDField
from django.utils import timezone

from accounts.models import Session
from api.models import Message, Reaction
from api.models.choices import Posting, Role, State
from api.models.visibility import visible_ranges
from api.seq_ranges import SeqRange, contains
from api.services.members.access import not_accessible
from api.services.messages.judgement import (
    BLOCK,
    MAX_PLACE,
    MEMBER,
    MESSAGE,
    ROOM,
    SESSION,
    USER,
    Place,
    check_open,
    check_session,
    find_invited,
    peer_bits,
)
from api.services.reactions.reacted import ReactedMessage, StoredMessage, read_more_users, write_changes
from eventlog.record_one import APPEND_ONE, event_parameters, record_one
from eventlog.transaction import EventTransaction
from wire.compiled_query import CompiledQuery, list_param
from wire.problems import Problem
from wire.row_tables import as_parameter, numbered, rows_as_table, values_table

_REACTION = Reaction._meta.db_table


@dataclass(frozen=True, slots=True)
class React:
    """A reaction that a session adds to a message or removes from it."""

    session: Session
    room_id: UUID
    message_id: UUID
    key: str  # in its stored form
    on: bool

    @property
    def rooms(self) -> tuple[UUID, ...]:
        """The rooms whose heads are locked for it."""
        return (self.room_id,)

    @property
    def place(self) -> Place:
        """The room and the user."""
        return self.room_id, self.session.user_id

    @property
    def is_plain(self) -> bool:
        """Return whether `react_one` can commit it: no audit records it."""
        return self.session.acting is None

    def commit(self, *, nowait: bool = False) -> str | Problem:
        """Commit it alone. See `react_one`."""
        return react_one(self, nowait=nowait)

    @staticmethod
    def write(log: EventTransaction, reacts: "Sequence[React]") -> list[str | Problem]:
        """Write reactions in locked rooms. Return for each its Message, as it is after all of them, or its Problem.

        A bad one fails alone. The number of queries does not depend on the number of reactions.
        """
        found = _find_messages(message_ids={react.message_id for react in reacts})
        messages = [StoredMessage(*row) for row in found]
        return _react(log, list(zip(reacts, _judge(reacts), strict=True)), messages, write_changes)


def react_one(react: React, *, nowait: bool = False) -> str | Problem:
    """Commit one plain reaction, on PostgreSQL, as a batch does: by five prepared statements, without Django's cursors.

    The removal of a user who is shown takes one more, and so does a room with the rule since_joined.
    """
    with record_one(react.room_id, nowait=nowait) as (log, execute):

        def write(log: EventTransaction, changed: Sequence[ReactedMessage]) -> None:
            message = changed[0].message
            values = (*event_parameters(log), str(message.pk), message.data, react.key)
            execute(_ADD_ONE if react.on else _REMOVE_ONE, values)

        [row] = execute(_JUDGE_ONE, ("0", *map(as_parameter, _values_of(react)), timezone.now()))
        context, message = row[: len(_Context._fields)], row[len(_Context._fields) :]
        messages = [] if message[0] is None else [StoredMessage(*message)]
        [result] = _react(log, [(react, _Context._make(context))], messages, write)
    return result


# What EventTransaction.flush and write_changes write, for one reaction: the parameters of APPEND_ONE, and then the id
# of the message, its new JSON and the key.
_CHANGE_ONE = f"""
WITH {APPEND_ONE}, reacted AS (UPDATE {MESSAGE} SET data = $10, version = $2::bigint WHERE id = $9::uuid)"""
_ADD_ONE = f"""{_CHANGE_ONE}
INSERT INTO {_REACTION} (message_id, user_id, key, seq, at) VALUES ($9::uuid, $6::uuid, $11, $2::bigint, $3)"""
# An expression in place of the key fits no index of keys: PostgreSQL could plan, before it knows the table, to read all
# users of the key.
_REMOVE_ONE = f"""{_CHANGE_ONE}
DELETE FROM {_REACTION} WHERE message_id = $9::uuid AND user_id = $6::uuid AND key || '' = $11"""


def _react(
    log: EventTransaction,
    judged: "Sequence[tuple[React, _Context]]",
    found: Sequence[StoredMessage],
    write: Callable[[EventTransaction, Sequence[ReactedMessage]], None],
) -> list[str | Problem]:
    """Append the changes that no rule refuses, and write them. `found` are the messages, as far as they exist."""
    messages = {message.pk: ReactedMessage(message) for message in found}
    refused = _refuse(judged, messages)
    accepted = [(react, context) for (react, context), problem in zip(judged, refused, strict=True) if not problem]
    for react, context in accepted:
        messages[react.message_id].keys_of.setdefault(react.session.user_id, set((context.keys or "").split()))
    removed = [react for react, _ in accepted if not react.on]
    if removed:
        read_more_users([(messages[each.message_id], each.key, each.session.user_id) for each in removed])
    problems = [
        problem or messages[react.message_id].change(log, react.session.user_id, react.key, on=react.on)
        for (react, _), problem in zip(judged, refused, strict=True)
    ]
    for (react, _), problem in zip(judged, problems, strict=True):
        if problem is None and react.session.acting is not None:  # a server key: the audit records it
            react.session.acting.record(react.session.user_id)
    changed = [message for message in messages.values() if message.changes]
    if changed:
        for message in changed:
            message.render()
        write(log, changed)
    return [
        problem or messages[react.message_id].render_for(hides_sender=context.hides_sender)
        for (react, context), problem in zip(judged, problems, strict=True)
    ]


_find_messages = CompiledQuery(
    lambda: Message.objects.filter(pk__any_of=list_param("message_ids", UUIDField())).values_list(
        "pk",
        "room",
        "seq",
        "version",
        "deleted_at",
        "data",
        "room__history",
        "room__purged_before_seq",
        "room__purged_seq",
    )
)


class _Context(NamedTuple):
    """The state of the room and the account for a reaction, read under the lock of the room's head."""

    kind: str | None  # of the room; None: it does not exist
    is_archived: bool
    posting: str | None
    role: str | None  # of the member; None: the user is none
    peer: int  # as in SendContext
    hides_sender: bool  # the user blocks the sender of the message
    is_active: bool | None  # the account; None: the session has ended
    keys: str | None  # those of the user on the message, with spaces between them


# The columns of the table of reactions.
_REACT = {"place": "int", "room_id": "uuid", "user_id": "uuid", "session_id": "uuid", "message_id": "uuid"}
# The rules are those of find_participant and require_live, for all reactions at once. As for sends, each subquery and
# each join fits one index alone.
_JUDGE = f"""
SELECT room.kind, room.archived_at IS NOT NULL, room.posting,
       (SELECT member.role FROM {MEMBER} member WHERE member.room_id = react.room_id
        AND member.user_id = react.user_id AND member.state = '{State.JOINED}'),
       {peer_bits("react")},
       (SELECT 1 FROM {BLOCK} block WHERE block.user_id = react.user_id
        AND block.blocked_id = message.sender_id) IS NOT NULL,
       author.is_active,
       (SELECT {{join}}(mine.key, ' ') FROM {_REACTION} mine
        WHERE mine.message_id = react.message_id AND mine.user_id = react.user_id){{message}}
FROM {{reacts}}
LEFT JOIN {ROOM} room ON room.id = react.room_id
LEFT JOIN {MESSAGE} message ON message.id = react.message_id
LEFT JOIN {SESSION} session ON session.id = react.session_id AND session.expires_at > %s
LEFT JOIN {USER} author ON author.id = session.user_id
WHERE react.place BETWEEN 0 AND {MAX_PLACE}
ORDER BY react.place"""
# With the columns of StoredMessage. A batch reads each message once, by a statement of its own.
_JUDGE_ONE = numbered(
    _JUDGE.format(
        join="string_agg",
        message=""",
       message.id, message.room_id, message.seq, message.version, message.deleted_at, message.data,
       room.history, room.purged_before_seq, room.purged_seq""",
        reacts=values_table("react", tuple(_REACT.items()), 1),
    )
)


def _values_of(react: React) -> tuple[object, ...]:
    return react.room_id, react.session.user_id, react.session.pk, react.message_id


def _judge(reacts: Sequence[React]) -> list[_Context]:
    values = (range(len(reacts)), *zip(*map(_values_of, reacts), strict=True))
    columns = {name: (kind, of_all) for (name, kind), of_all in zip(_REACT.items(), values, strict=True)}
    rows, parameters = rows_as_table("react", **columns)
    join = "string_agg" if connection.vendor == "postgresql" else "group_concat"
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE.format(reacts=rows, join=join, message=""), [*parameters, now])
        return [_Context._make(row) for row in cursor.fetchall()]


def _refuse(judged: Sequence[tuple[React, _Context]], messages: Mapping[UUID, ReactedMessage]) -> list[Problem | None]:
    """Return for each reaction why it is refused, whatever the reactions before it are, or None."""
    histories = {
        react.place: reacted.message.history
        for react, _ in judged
        if (reacted := messages.get(react.message_id)) is not None and reacted.message.room_id == react.room_id
    }
    visible = visible_ranges(histories) if histories else {}
    outside = {react.place for react, context in judged if context.role is None and context.kind is not None}
    invited = find_invited(outside) if outside else ()
    return [
        check_react(
            react,
            context,
            messages.get(react.message_id),
            visible.get(react.place, ()),
            is_invited=react.place in invited,
        )
        for react, context in judged
    ]


def check_react(
    react: React,
    context: _Context,
    reacted: ReactedMessage | None,
    visible: Collection[SeqRange],
    *,
    is_invited: bool = False,
) -> Problem | None:
    """Return why a reaction is refused, or None. `visible` are the ranges of the room that the user may see."""
    if context.role is None:
        return not_accessible(context.kind, is_invited)
    if problem := check_session(react.session, context):
        return problem
    message = reacted.message if reacted is not None else None
    if message is None or message.room_id != react.room_id or not contains(visible, message.seq):
        return Problem("not_found", "There is no such message.")
    if problem := check_open(context):
        return problem
    if context.posting == Posting.ADMINS and context.role == Role.MEMBER:
        return Problem("room.read_only")
    if message.deleted_at is not None and react.on:
        return Problem("message.deleted")
    return None
