"""The one way to write: lock the heads, check, change, append, commit; then tell."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from time import monotonic
from typing import TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet, Subquery, UUIDField
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Session
from accounts.services import require_live
from api.models import Epoch, Event, StreamHead
from wire import strict_json
from wire.compiled_query import CompiledQuery, param
from wire.row_tables import insert, rows_as_table

logger = logging.getLogger(__name__)

LOOK_AGAIN_MS = 500
# Above the lock timeout of a single write: who looks again loses the place in the queue each time.
GIVE_UP_SECONDS = 5.0

Found = TypeVar("Found")

# The port through which the realtime face hears of commits; it is run after commit in the thread that committed.
on_committed: list[Callable[[Sequence[Event]], None]] = []

_MOVE_HEADS = """UPDATE api_streamhead
                 SET last_seq = moved.seq, last_at = moved.at, last_message_at = moved.message_at
                 FROM {moved} WHERE api_streamhead.stream = moved.stream"""


class Log:
    """The locked heads of one transaction, and what it appends to their streams."""

    def __init__(self, heads: dict[UUID, StreamHead]) -> None:
        self.heads = heads
        self.appended: list[Event] = []
        self.ephemeral: list[Event] = []
        self.now = _now()
        self.at = max([self.now, *(head.last_at for head in heads.values() if head.last_at)])

    def open(self, stream: UUID) -> None:
        """Begin the stream of a room that this transaction creates; nobody else knows it, so nobody waits for it."""
        self.heads[stream] = StreamHead.objects.create(stream=stream)

    def head(self, stream: UUID) -> int:
        """The last seq of a locked stream, with what was appended here."""
        return self.heads[stream].last_seq

    def next_seq(self, stream: UUID) -> int:
        """The seq that the next event of the stream will get."""
        return self.head(stream) + 1

    def time_of(self, stream: UUID) -> datetime:
        """The time of the stream's next event: now, but never before the last one, even when a clock goes back."""
        return max(self.now, self.heads[stream].last_at or self.now)

    def append(
        self, stream: UUID, event_type: str, actor_id: UUID | None, data: object, message_id: UUID | None = None
    ) -> Event:
        """Give the event the next seq of its stream. `data` is rendered here, once, for ever."""
        head = self.heads[stream]
        head.last_seq, head.last_at = head.last_seq + 1, self.time_of(stream)
        event = _make_event(stream, event_type, actor_id, data, head.last_at)
        event.seq, event.message_id, event.epoch = head.last_seq, message_id, getattr(head, "epoch", None)
        self.appended.append(event)
        return event

    def tell(self, stream: UUID, event_type: str, actor_id: UUID | None, data: object, min_seq: int) -> None:
        """Say something that is never stored and may be lost, after the commit, to who is a member then.

        `min_seq` is the stream's head as the speaker knew it: a process that has not applied it yet stays silent, so
        that somebody who was removed before hears nothing (design section 3).
        """
        event = _make_event(stream, event_type, actor_id, data, self.at)
        event.min_seq = min_seq
        self.ephemeral.append(event)

    def flush(self) -> None:
        """Write the appended events and their heads."""
        last = {event.stream: event.seq for event in self.appended}
        moved, parameters = rows_as_table(
            "moved",
            stream=("uuid", list(last)),
            seq=("bigint", list(last.values())),
            at=("timestamptz", [self.heads[stream].last_at for stream in last]),
            message_at=("timestamptz", [self.heads[stream].last_message_at for stream in last]),
        )
        with connection.cursor() as cursor:
            cursor.execute(_MOVE_HEADS.format(moved=moved), parameters)
        insert(
            "api_event",
            stream=("uuid", [event.stream for event in self.appended]),
            seq=("bigint", [event.seq for event in self.appended]),
            type=("text", [event.type for event in self.appended]),
            actor_id=("uuid", [event.actor_id for event in self.appended]),
            message_id=("uuid", [event.message_id for event in self.appended]),
            data=("text", [event.data for event in self.appended]),
            at=("timestamptz", [event.at for event in self.appended]),
        )


@contextmanager
def record_events(
    *,
    rooms: Iterable[UUID] = (),
    inboxes: Iterable[UUID] = (),
    session: Session | None = None,
    nowait: bool = False,
    lock_timeout_ms: int | None = None,
) -> Iterator[Log]:
    """One transaction that may append to the streams of these rooms and inboxes.

    All heads are locked first, rooms by id and then inboxes by user id, so that two of these never wait for each other
    in a circle; everything that decides is read after it, so that it is decided in the order of the log. The session
    that acts must still be alive, also when nothing has changed: raises Problem auth.invalid_token or
    auth.account_disabled.
    With `nowait` a head that somebody else holds is an OperationalError at once, and not after the lock timeout; with
    `lock_timeout_ms` it is one after that time.
    A room that does not exist has no head: the caller finds out when it looks the room up.
    """
    with _transaction(lock_timeout_ms):
        log = Log(lock_heads(rooms, inboxes, nowait=nowait))
        yield log
        if session is not None:
            require_live(session)
        if log.appended:
            log.flush()
        happened = [*log.appended, *log.ephemeral]
        if happened:
            transaction.on_commit(partial(_tell, happened))


def find_or_make(find: Callable[[], Found | None], make: Callable[[], Found]) -> Found:
    """Return what `find` finds, or else what `make` makes; `make` records with lock_timeout_ms=LOOK_AGAIN_MS.

    Parallel requests for the same thing queue for one lock, although all but the first need only find what the first
    has made. So each looks before it locks and, while it waits, again every LOOK_AGAIN_MS.
    """
    gives_up_at = monotonic() + GIVE_UP_SECONDS
    while True:
        found = find()
        if found is not None:
            return found
        try:
            return make()
        except OperationalError as error:
            if not _is_lock_timeout(error) or monotonic() > gives_up_at:
                raise


def _is_lock_timeout(error: OperationalError) -> bool:
    """Return whether somebody else held a lock for too long: lock_not_available on PostgreSQL, SQLITE_BUSY."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        return cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the low byte: the rest says which kind of busy
    return getattr(cause, "sqlstate", None) == "55P03"


@contextmanager
def _transaction(lock_timeout_ms: int | None) -> Iterator[None]:
    """A transaction; SQLite waits for its only lock at the beginning, PostgreSQL at each statement."""
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


def notify(stream: UUID, event_type: str, actor_id: UUID, data: object, *, min_seq: int) -> None:
    """Publish an ephemeral event at once, outside a transaction, where nothing in the database changes."""
    event = _make_event(stream, event_type, actor_id, data, _now())
    event.min_seq = min_seq
    _tell([event])


def _make_event(stream: UUID, event_type: str, actor_id: UUID | None, data: object, at: datetime) -> Event:
    rendered = data if isinstance(data, str) else strict_json.dumps(data).decode()
    return Event(stream=stream, type=event_type, actor_id=actor_id, data=rendered, at=at)


def _now() -> datetime:
    # As precise as the wire: a client that gives a time back as an anchor means the very moment that we kept.
    now = timezone.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def lock_heads(rooms: Iterable[UUID], inboxes: Iterable[UUID], *, nowait: bool = False) -> dict[UUID, StreamHead]:
    """Lock the heads in the one order that all writers use; a user's first event makes the head of their inbox."""
    users = sorted(set(inboxes))
    if users:
        StreamHead.objects.bulk_create([StreamHead(stream=user) for user in users], ignore_conflicts=True)
    heads = _lock(sorted(set(rooms)), nowait) | _lock(users, nowait)
    return {head.stream: head for head in heads.values()}


def _lock(streams: list[UUID], nowait: bool) -> dict[UUID, StreamHead]:
    if not streams:
        return {}
    if len(streams) == 1 and not nowait:
        locked: Iterable[StreamHead] = _lock_one(stream=streams[0])
    else:
        locked = _heads(nowait).filter(pk__in=streams).order_by("pk")
    return {head.stream: head for head in locked}


def _heads(nowait: bool = False) -> QuerySet[StreamHead]:
    # With the epoch: what is told after a restore is then never taken for the next event of the past before it.
    epoch = Coalesce(Subquery(Epoch.objects.values("value")[:1]), 1)
    return StreamHead.objects.annotate(epoch=epoch).select_for_update(no_key=True, of=("self",), nowait=nowait)


_lock_one = CompiledQuery(lambda: _heads().filter(pk=param("stream", UUIDField())))


def _tell(happened: Sequence[Event]) -> None:
    for listener in on_committed:
        try:
            listener(happened)
        except Exception:
            logger.exception("A listener failed; the sweep will deliver what it missed")
