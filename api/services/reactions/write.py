"""Writes reactions: any number of them, of any users to any messages, in one transaction.

Each change is an event of its own; the row of a message is written once for all of its changes.
"""

from collections.abc import Collection, Sequence
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
    INVITE,
    MAX_PLACE,
    MEMBER,
    MESSAGE,
    ROOM,
    SESSION,
    USER,
    check_open,
    check_session,
    peer_columns,
)
from api.services.reactions.reacted import ReactedMessage, read_more_users, write_changes
from eventlog.transaction import EventTransaction
from wire.compiled_query import CompiledQuery, list_param
from wire.problems import Problem
from wire.row_tables import rows_as_table

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

    @staticmethod
    def write(log: EventTransaction, reacts: "Sequence[React]") -> list[str | Problem]:
        """Write reactions in locked rooms. Return for each its Message, as it is after all of them, or its Problem.

        A bad one fails alone. The number of queries does not depend on the number of reactions.
        """
        messages = {
            message.pk: ReactedMessage(message)
            for message in _find_messages(message_ids={react.message_id for react in reacts})
        }
        judged = list(zip(reacts, _judge(reacts), strict=True))
        refused = _refuse(judged, messages)
        accepted = [(react, context) for (react, context), problem in zip(judged, refused, strict=True) if not problem]
        for react, context in accepted:
            messages[react.message_id].keys_of.setdefault(react.session.user_id, set((context.keys or "").split()))
        removed = [react for react, _ in accepted if not react.on]
        if removed:
            read_more_users([(messages[each.message_id], each.key, each.session.user_id) for each in removed])
        problems = [
            problem or messages[react.message_id].change(log, react.session.user_id, react.key, on=react.on)
            for react, problem in zip(reacts, refused, strict=True)
        ]
        for react, problem in zip(reacts, problems, strict=True):
            if problem is None and react.session.acting is not None:  # a server key: the audit records it
                react.session.acting.record(react.session.user_id)
        write_changes(log, [message for message in messages.values() if message.changes])
        return [
            problem or messages[react.message_id].render_for(hides_sender=context.hides_sender)
            for (react, context), problem in zip(judged, problems, strict=True)
        ]


_find_messages = CompiledQuery(
    lambda: (
        Message.objects.filter(pk__any_of=list_param("message_ids", UUIDField()))
        .select_related("room")
        .only("seq", "version", "deleted_at", "data", "room__history", "room__purged_before_seq", "room__purged_seq")
    )
)


class _Context(NamedTuple):
    """The state of the room and the account for a reaction, read under the lock of the room's head."""

    kind: str | None  # of the room; None: it does not exist
    is_archived: bool
    is_invited: bool
    role: str | None  # of the member; None: the user is none
    posting: str | None
    is_peer_deleted: bool  # in a direct room
    is_blocked: bool  # in a direct room: one of the two blocks the other
    hides_sender: bool  # the user blocks the sender of the message
    is_active: bool | None  # the account; None: the session has ended
    keys: str | None  # those of the user on the message, with spaces between them


# The rules are those of find_participant and require_live, for all reactions at once.
_JUDGE = f"""
SELECT room.kind, room.archived_at IS NOT NULL,
       EXISTS (SELECT 1 FROM {INVITE} invite WHERE invite.room_id = react.room_id
               AND invite.user_id = react.user_id AND invite.ended_at IS NULL),
       (SELECT member.role FROM {MEMBER} member WHERE member.room_id = react.room_id
        AND member.user_id = react.user_id AND member.state = '{State.JOINED}'),
       room.posting,
       {peer_columns("react")},
       (SELECT 1 FROM {BLOCK} block WHERE block.user_id = react.user_id AND block.blocked_id =
        (SELECT message.sender_id FROM {MESSAGE} message WHERE message.id = react.message_id)) IS NOT NULL,
       author.is_active,
       (SELECT {{join}}(mine.key, ' ') FROM {_REACTION} mine
        WHERE mine.message_id = react.message_id AND mine.user_id = react.user_id)
FROM {{reacts}}
LEFT JOIN {ROOM} room ON room.id = react.room_id
LEFT JOIN {SESSION} session ON session.id = react.session_id AND session.expires_at > %s
LEFT JOIN {USER} author ON author.id = session.user_id
WHERE react.place BETWEEN 0 AND {MAX_PLACE}
ORDER BY react.place"""


def _judge(reacts: Sequence[React]) -> list[_Context]:
    rows, parameters = rows_as_table(
        "react",
        place=("int", range(len(reacts))),
        room_id=("uuid", [react.room_id for react in reacts]),
        user_id=("uuid", [react.session.user_id for react in reacts]),
        session_id=("uuid", [react.session.pk for react in reacts]),
        message_id=("uuid", [react.message_id for react in reacts]),
    )
    join = "string_agg" if connection.vendor == "postgresql" else "group_concat"
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE.format(reacts=rows, join=join), [*parameters, now])
        return [_Context._make(row) for row in cursor.fetchall()]


def _refuse(judged: Sequence[tuple[React, _Context]], messages: dict[UUID, ReactedMessage]) -> list[Problem | None]:
    """Return for each reaction why it is refused, whatever the reactions before it are, or None."""
    histories = {
        (react.room_id, react.session.user_id): reacted.message.room.history
        for react, context in judged
        if (reacted := messages.get(react.message_id)) is not None and reacted.message.room_id == react.room_id
    }
    visible = visible_ranges(histories) if histories else {}
    return [
        check_react(
            react, context, messages.get(react.message_id), visible.get((react.room_id, react.session.user_id), ())
        )
        for react, context in judged
    ]


def check_react(
    react: React, context: _Context, reacted: ReactedMessage | None, visible: Collection[SeqRange]
) -> Problem | None:
    """Return why a reaction is refused, or None. `visible` are the ranges of the room that the user may see."""
    if context.role is None:
        return not_accessible(context.kind, context.is_invited)
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
