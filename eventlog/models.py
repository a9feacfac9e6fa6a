"""The event log: a gapless stream of events for each room and for each user's inbox."""

from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import models
from django.db.models import BigIntegerField, OuterRef, Subquery, UUIDField
from django.db.models.functions import Coalesce

from eventlog.event_types import COMPLETIONS, is_of_inbox
from wire.budget import UNBOUNDED, bytes_within
from wire.compiled_query import LIMITS_KEPT, CompiledQuery, param
from wire.times import RenderedTime, format_time


class Epoch(models.Model):
    """The single row with the version of the log's past, raised after a restore from a backup."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "api_epoch"  # of the app that the log was part of: older processes read it during an update
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="epoch_is_one_row")]

    @classmethod
    def current(cls) -> int:
        """The epoch that every answer with a head carries; 1 until it is raised."""
        return cls.objects.values_list("value", flat=True).first() or 1

    @classmethod
    def as_expression(cls) -> Coalesce:
        """The current epoch as a column of another query, which then reads it in the same snapshot."""
        return Coalesce(Subquery(cls.objects.values("value")[:1]), 1)


class StreamHead(models.Model):
    """The last seq of a stream. The lock of its row puts the writers of the stream in order.

    Narrow and without further indexes, so that PostgreSQL updates it in place (HOT).
    """

    stream = models.UUIDField(primary_key=True)
    last_seq = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)
    last_message_at = models.DateTimeField(null=True)  # of the newest message of a room, even after its deletion

    class Meta:
        db_table = "api_streamhead"

    @classmethod
    def last_seq_of(cls, stream: OuterRef) -> Subquery:
        """The last seq of a stream as a column of another query, which then reads it in the same snapshot."""
        return Subquery(cls.objects.filter(pk=stream).values("last_seq"))


FinishedRow = tuple[str, UUID, int, str, UUID | None, bytes | None]  # the arguments of `finish`


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of the log. Each is bounded by bytes in the query, and always returns its first event."""

    def page_after(self, stream: UUID, after: int, limit: int, max_bytes: int = UNBOUNDED) -> list[bytes]:
        """The next events of a stream in order, finished, without a hole: events are committed in the order of seq.

        A page that `max_bytes` ends early holds at least so many.
        """
        rows = _page_after(limit)(stream=stream, after=after, budget=max_bytes)
        return [finish(*row[:-1], row[-1]) for row in rows if row[-1] is not None]

    def finished_within(self, budget: Any, order: str) -> "models.QuerySet[Event, FinishedRow]":
        """Rows of the arguments of `finish`, in order; without data once the events hold `budget` bytes."""
        columns = ("type", "stream", "seq", RenderedTime("at"), "actor_id", bytes_within("data", budget, order))
        return self.order_by(order).values_list(*columns)


@lru_cache(LIMITS_KEPT)
def _page_after(limit: int) -> CompiledQuery[FinishedRow]:
    after, stream = param("after", BigIntegerField()), param("stream", UUIDField())
    events = Event.objects.filter(stream=stream, seq__gt=after)
    return CompiledQuery(lambda: events.finished_within(param("budget", BigIntegerField()), "seq")[:limit])


def finish(
    event_type: str, stream: UUID, seq: int | None, at: datetime | str, actor_id: UUID | None, data: str | bytes
) -> bytes:
    """Render an event as all clients receive it, over REST and over sockets. `at` may be rendered already."""
    complete = COMPLETIONS.get(event_type)
    event = {
        "type": event_type,
        "room_id": None if is_of_inbox(event_type, seq) else stream,
        "seq": seq,
        "at": at if isinstance(at, str) else format_time(at),
        "actor_id": actor_id,
        "data": orjson.Fragment(complete(data) if complete else data),
    }
    return orjson.dumps(event)


class Event(models.Model):
    """One event, rendered once when it was recorded. `seq` is None for an ephemeral event, which is never stored."""

    pk = models.CompositePrimaryKey("stream", "seq")
    stream = models.UUIDField()
    seq = models.BigIntegerField()
    type = models.CharField(max_length=32)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    message_id = models.UUIDField(null=True)
    data = models.TextField()
    at = models.DateTimeField()

    min_seq = 0  # of an ephemeral event: processes that have not applied the stream up to it drop the event
    of_seq: int | None = None  # of an ephemeral event: it is only for members who see the event with this seq
    epoch: int | None = None  # as read by the transaction that recorded it; None for the first event of a stream

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "api_event"
        indexes: ClassVar = [
            models.Index(fields=["message_id"], name="event_by_message", condition=models.Q(message_id__isnull=False))
        ]

    def json(self) -> bytes:
        """The event as all clients receive it, see `finish`."""
        return finish(self.type, self.stream, self.seq, self.at, self.actor_id, self.data)
