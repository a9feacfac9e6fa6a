"""Writes the log: lock the heads, check, change, append, commit, then publish."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Session
from accounts.services import require_live
from eventlog.locking import begin_transaction, lock_heads
from eventlog.models import Event, StreamHead
from eventlog.signals import events_committed
from wire import strict_json
from wire.row_tables import insert, rows_as_table

_EVENTS, _HEADS = Event._meta.db_table, StreamHead._meta.db_table
_REWRITE = f"""UPDATE {_EVENTS} SET data = rewritten.data FROM {{rewritten}}
               WHERE {_EVENTS}.stream = rewritten.stream AND {_EVENTS}.seq = rewritten.seq"""
_REWRITE_MESSAGES = f"""UPDATE {_EVENTS} SET data = rewritten.data FROM {{rewritten}}
                        WHERE {_EVENTS}.message_id = rewritten.message_id AND {_EVENTS}.stream = rewritten.stream"""
_MOVE_HEADS = f"""UPDATE {_HEADS}
                  SET last_seq = moved.seq, last_at = moved.at, last_message_at = moved.message_at
                  FROM {{moved}} WHERE {_HEADS}.stream = moved.stream"""


class EventTransaction:
    """The locked heads of a transaction, and the events that it appends to their streams."""

    def __init__(self, heads: dict[UUID, StreamHead]) -> None:
        self.heads = heads
        self.appended: list[Event] = []
        self.ephemeral: list[Event] = []
        self.now = _now()
        # Not before the last event of any locked stream: the time of what changes beside the events.
        self.at = max([self.now, *(head.last_at for head in heads.values() if head.last_at)])

    def open_stream(self, stream: UUID) -> None:
        """Create the stream of a room that this transaction creates. Its head needs no lock: nobody else sees it."""
        self.heads[stream] = StreamHead.objects.create(stream=stream)

    def head(self, stream: UUID) -> int:
        """The last seq of a locked stream, including the events appended here."""
        return self.heads[stream].last_seq

    def next_seq(self, stream: UUID) -> int:
        """The seq of the next event of the stream."""
        return self.head(stream) + 1

    def time_of(self, stream: UUID) -> datetime:
        """The time of the stream's next event: now, but never before the last one, even when a clock goes back."""
        return max(self.now, self.heads[stream].last_at or self.now)

    def append(
        self, stream: UUID, event_type: str, actor_id: UUID | None, data: object, message_id: UUID | None = None
    ) -> Event:
        """Append an event with the next seq of its stream. `data` is rendered here, once and for all readers."""
        head = self.heads[stream]
        head.last_seq, head.last_at = head.last_seq + 1, self.time_of(stream)
        event = _make_event(stream, event_type, actor_id, data, head.last_at)
        event.seq, event.message_id, event.epoch = head.last_seq, message_id, getattr(head, "epoch", None)
        self.appended.append(event)
        return event

    def emit_ephemeral(
        self,
        stream: UUID,
        event_type: str,
        actor_id: UUID | None,
        data: object,
        min_seq: int,
        of_seq: int | None = None,
    ) -> None:
        """Publish an event after the commit to the members at that time. It is never stored and may be lost.

        `min_seq` is the head of the stream at which the actor was a member. A process that has not applied the stream
        up to it drops the event: until then it may take a removed user for a member. With `of_seq` it is only for
        members who see the event of the log with this seq.
        """
        event = _make_event(stream, event_type, actor_id, data, self.at)
        event.min_seq, event.of_seq = min_seq, of_seq
        self.ephemeral.append(event)

    def rewrite(self, stream: UUID, data: Mapping[int, str]) -> None:
        """Replace the data of events of a locked stream, by seq. Only deletion, purge and erasure rewrite the log."""
        if not data:
            return
        rewritten, parameters = rows_as_table(
            "rewritten",
            stream=("uuid", [stream] * len(data)),
            seq=("bigint", list(data)),
            data=("text", [*data.values()]),
        )
        with connection.cursor() as cursor:
            cursor.execute(_REWRITE.format(rewritten=rewritten), parameters)

    def rewrite_message(self, stream: UUID, message_id: UUID, data: str) -> None:
        """Replace the data of all stored events that carry this message whole; an event about it may carry no id."""
        Event.objects.filter(stream=stream, message_id=message_id).update(data=data)

    def rewrite_messages(self, stream: UUID, data: Mapping[UUID, str]) -> None:
        """Do the same for several messages, by message id."""
        rewritten, parameters = rows_as_table(
            "rewritten",
            stream=("uuid", [stream] * len(data)),
            message_id=("uuid", list(data)),
            data=("text", list(data.values())),
        )
        with connection.cursor() as cursor:
            cursor.execute(_REWRITE_MESSAGES.format(rewritten=rewritten), parameters)

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
            _EVENTS,
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
) -> Iterator[EventTransaction]:
    """Open a transaction that may append to the streams of these rooms and inboxes, and publish after its commit.

    The heads are locked first, so every later read in the transaction sees the state that the log's order gives it.
    A room that does not exist has no head; the caller finds out when it reads the room.
    With `nowait` a head that is locked raises OperationalError at once, with `lock_timeout_ms` after that time.
    The acting session must still be alive at the end, even when nothing has changed: raises Problem auth.invalid_token
    or auth.account_disabled.
    """
    with begin_transaction(lock_timeout_ms):
        log = EventTransaction(lock_heads(rooms, inboxes, nowait=nowait))
        yield log
        if session is not None:
            require_live(session)
        if log.appended:
            log.flush()
        events = [*log.appended, *log.ephemeral]
        if events:
            transaction.on_commit(partial(events_committed.send_robust, EventTransaction, events=events))


def emit_ephemeral(stream: UUID, event_type: str, actor_id: UUID, data: object, *, min_seq: int) -> None:
    """Publish an ephemeral event at once, where nothing in the database changes."""
    event = _make_event(stream, event_type, actor_id, data, _now())
    event.min_seq = min_seq
    events_committed.send_robust(EventTransaction, events=[event])


def _make_event(stream: UUID, event_type: str, actor_id: UUID | None, data: object, at: datetime) -> Event:
    rendered = data if isinstance(data, str) else strict_json.dumps(data).decode()
    return _new_event(stream, None, event_type, actor_id, None, rendered, at)


# Takes the fields in their order: with names Django takes twice the time.
_new_event: Callable[..., Event] = Event  # django-stubs expects another order


def _now() -> datetime:
    # In milliseconds, as on the wire: a time that a client sends back as an anchor is exactly the stored one.
    now = timezone.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
