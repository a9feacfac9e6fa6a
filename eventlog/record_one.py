"""Records one event in one stream, on PostgreSQL: `record_events` for the hottest write, by prepared statements.

The statements go to psycopg's own cursor: those of Django cost more than what they do here. The order of the work is
that of record_events: lock the head, read everything that decides, write, commit, publish.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from eventlog.models import Epoch, Event, StreamHead
from eventlog.signals import events_committed
from eventlog.transaction import EventTransaction
from wire.row_tables import as_parameter

# Runs a statement with numbered placeholders ($1), and returns its rows.
Execute = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]

_HEADS, _EVENTS, _EPOCHS = StreamHead._meta.db_table, Event._meta.db_table, Epoch._meta.db_table
# The reads that decide are no part of it: a statement that has waited for a lock sees new versions of the locked row
# alone, and all else as it was before the wait.
_LOCK = f"""SELECT last_seq, last_at, last_message_at, COALESCE((SELECT value FROM {_EPOCHS} LIMIT 1), 1)
            FROM {_HEADS} WHERE stream = $1::uuid FOR NO KEY UPDATE OF {_HEADS}"""
# EventTransaction.flush for one event, in front of another write: its parameters are the first eight of the statement.
APPEND_ONE = f"""
moved AS (UPDATE {_HEADS} SET last_seq = $2::bigint, last_at = $3, last_message_at = $4 WHERE stream = $1::uuid),
logged AS (INSERT INTO {_EVENTS} (stream, seq, type, actor_id, message_id, data, at)
           VALUES ($1::uuid, $2::bigint, $5, $6::uuid, $7::uuid, $8, $3))"""


@contextmanager
def record_one(stream: UUID, *, nowait: bool = False) -> Iterator[tuple[EventTransaction, Execute]]:
    """Open a transaction that may append one event to a stream, and publish it after the commit.

    The caller writes the event: APPEND_ONE with `event_parameters`. `nowait` as in record_events; a stream without a
    head is left out of the heads, as there. Errors of the database are those of Django.
    """
    with _transaction() as execute:
        found = execute(f"{_LOCK} NOWAIT" if nowait else _LOCK, (str(stream),))
        heads = {}
        for last_seq, last_at, last_message_at, epoch in found:
            heads[stream] = StreamHead(stream, last_seq, last_at, last_message_at)
            heads[stream].epoch = epoch  # type: ignore[attr-defined]  # as lock_heads annotates it
        log = EventTransaction(heads)
        yield log, execute
    if log.appended:
        transaction.on_commit(partial(events_committed.send_robust, EventTransaction, events=log.appended))


def event_parameters(log: EventTransaction) -> list[object]:
    """Return the parameters of APPEND_ONE for the one event that was appended."""
    [event] = log.appended
    at, message_at = event.at, log.heads[event.stream].last_message_at
    values = (event.stream, event.seq, at, message_at, event.type, event.actor_id, event.message_id, event.data)
    return [as_parameter(value) for value in values]


@contextmanager
def _transaction() -> Iterator[Execute]:
    """Open a transaction, or inside another one a savepoint; every way out but the last line rolls it back."""
    if connection.in_atomic_block:
        with transaction.atomic(), connection.wrap_database_errors:
            yield _executor()
        return
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        execute = _executor()
        try:
            execute("BEGIN", ())
            yield execute
            execute("COMMIT", ())
        except BaseException:
            try:
                connection.connection.rollback()
            except connection.Database.Error:  # type: ignore[attr-defined]
                connection.close()  # the next transaction must not find this one open
            raise


def _executor() -> Execute:
    cursor = connection.Database.RawCursor(connection.connection)  # type: ignore[attr-defined]

    def execute(sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        cursor.execute(sql, parameters)
        # `description` would make an object for each column, a twelfth of the time of a send.
        return cursor.fetchall() if cursor.pgresult.nfields else []

    return execute
