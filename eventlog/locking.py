"""Locks on the heads of streams, taken in one order by all writers."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet, UUIDField, Value

from accounts.models import User
from eventlog.models import Epoch, StreamHead
from wire.compiled_query import CompiledQuery, param
from wire.outages import is_lock_timeout, release_cursors

RETRY_LOCK_MS = 500
# Longer than a single write waits for a lock: each retry loses its place in the queue.
GIVE_UP_SECONDS = 5.0

_HEADS = StreamHead._meta.db_table

Found = TypeVar("Found")


def lock_heads(rooms: Iterable[UUID], inboxes: Iterable[UUID], *, nowait: bool = False) -> dict[UUID, StreamHead]:
    """Lock the heads of rooms by id, then those of inboxes by user id, and return them by stream.

    All writers use this order, so no two of them wait for each other. The missing head of a user's inbox is created;
    a room without a head does not exist and is left out, and so is an inbox whose id is no user's.
    """
    users = sorted(set(inboxes))
    if users:  # an id comes from a client: it may be nobody's
        owners = User.objects.filter(pk__in=users).order_by("pk").values_list("pk", Value(0))
        select, parameters = owners.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {_HEADS} (stream, last_seq) {select} ON CONFLICT DO NOTHING", parameters)
    locked: list[StreamHead] = []
    for streams in (sorted(set(rooms)), users):
        if len(streams) == 1 and not nowait:
            locked += _lock_one(stream=streams[0])
        elif streams:
            locked += _heads(nowait).filter(pk__in=streams).order_by("pk")
    return {head.stream: head for head in locked}


def _heads(nowait: bool = False) -> QuerySet[StreamHead]:
    # With the epoch: a process that still follows the past before a restore must not take this transaction's events
    # for the next ones of that past.
    heads = StreamHead.objects.annotate(epoch=Epoch.as_expression())
    return heads.select_for_update(no_key=True, of=("self",), nowait=nowait)


_lock_one = CompiledQuery(lambda: _heads().filter(pk=param("stream", UUIDField())))


@contextmanager
def begin_transaction(lock_timeout_ms: int | None) -> Iterator[None]:
    """Open a transaction. SQLite waits for its only lock at the beginning, PostgreSQL at each statement."""
    if lock_timeout_ms is None:
        with transaction.atomic():
            yield
    elif connection.vendor == "sqlite":
        with _busy_timeout(lock_timeout_ms), transaction.atomic():
            yield
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{lock_timeout_ms}ms"])
            yield


@contextmanager
def _busy_timeout(milliseconds: int) -> Iterator[None]:
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before:d}")


def find_or_create(find: Callable[[], Found | None], create: Callable[[], Found]) -> Found:
    """Return the result of `find`, or else of `create`, which records events with lock_timeout_ms=RETRY_LOCK_MS.

    Parallel requests for the same thing queue for one lock, although all but the first need only find what the first
    one created. Each request therefore looks before it locks, and again every RETRY_LOCK_MS while it waits.
    """
    gives_up_at = monotonic() + GIVE_UP_SECONDS
    while True:
        found = find()
        if found is not None:
            return found
        try:
            return create()
        except OperationalError as error:
            if not is_lock_timeout(error) or monotonic() > gives_up_at:
                raise
            release_cursors(error)
