"""The event log: one gapless stream of events for each room and for each user's inbox."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, models
from django.db.models import BigIntegerField, Exists, OuterRef, UUIDField

from api.models.members import Member, MembershipPeriod
from wire.budget import UNBOUNDED, bytes_within, sql_of_bytes, sql_of_size
from wire.compiled_query import LIMITS_KEPT, CompiledQuery, param
from wire.fields import format_time
from wire.row_tables import as_time, as_uuid, rows_as_table

INBOX_TYPES = frozenset({"room.added", "room.removed", "room.preferred", "read.updated"})


class Epoch(models.Model):
    """The single row that says which version of the past this log tells; raised after a restore from a backup."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="epoch_is_one_row")]

    @classmethod
    def current(cls) -> int:
        """The epoch that every answer with a head carries; 1 as long as nobody has raised it."""
        return cls.objects.values_list("value", flat=True).first() or 1


class StreamHead(models.Model):
    """The last seq of a stream. Its row lock is the one place where a stream's order is made.

    Narrow and without further indexes, so that PostgreSQL updates it in place (HOT).
    """

    stream = models.UUIDField(primary_key=True)
    last_seq = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)
    last_message_at = models.DateTimeField(null=True)  # of the newest message of a room, also after it is deleted


Places = Mapping[tuple[UUID, int], int]  # streams and seqs, each with the turn in which it is read
FinishedRow = tuple[str, UUID, int, datetime, UUID | None, bytes | None]  # what `finish` takes
Events = dict[UUID, dict[int, bytes | None]]  # finished, by stream and seq; None where the budget was spent before


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of the log. All of them are bounded by bytes in the query; the first event always comes."""

    def page_after(self, stream: UUID, after: int, limit: int, max_bytes: int = UNBOUNDED) -> list[bytes]:
        """The next events of a stream in order, finished. Contiguous, because commit order is seq order (design
        section 2). A page that `max_bytes` ends holds at least so many."""
        rows = _page_after(limit)(stream=stream, after=after, budget=max_bytes)
        return [finish(*row[:-1], row[-1]) for row in rows if row[-1] is not None]

    def at(self, places: Places, max_bytes: int = UNBOUNDED) -> Events:
        """The finished events at these places, of about `max_bytes`: one step in the index for each.

        The events of an earlier turn come first, and those of turn 0 always.
        """
        if not places:
            return {}
        streams, seqs = zip(*places, strict=True)
        wanted, parameters = rows_as_table(
            "wanted", stream=("uuid", streams), seq=("bigint", seqs), turn=("bigint", list(places.values()))
        )
        found: Events = {}
        sql = _AT.format(wanted=wanted, data=sql_of_bytes("data"), size=sql_of_size("data"))
        with connection.cursor() as cursor:
            cursor.execute(sql, [max_bytes, *parameters])
            for event_type, stream, seq, at, actor_id, data in cursor.fetchall():
                place, actor = as_uuid(stream), actor_id and as_uuid(actor_id)
                json = None if data is None else finish(event_type, place, seq, as_time(at), actor, data)
                found.setdefault(place, {})[seq] = json
        return found

    def finished_within(self, budget: Any, order: str) -> "models.QuerySet[Event, FinishedRow]":
        """Rows of what `finish` takes, in order; without data from where the events hold `budget` bytes."""
        columns = ("type", "stream", "seq", "at", "actor_id", bytes_within("data", budget, order))
        return self.order_by(order).values_list(*columns)

    def visible_to(self, member: Member) -> "EventQuerySet":
        """The events of the member's room that the history rule gives them (design section 3)."""
        events = self.filter(stream=member.room_id)
        if member.room.history == "shared":
            return events
        stays = MembershipPeriod.objects.filter(room_id=member.room_id, user_id=member.user_id)
        return events.filter(Exists(stays.around(OuterRef("seq"))))


# The texts are counted in the order of the turns, and only those within the budget leave the database.
_AT = """
SELECT type, stream, seq, at, actor_id, CASE WHEN turn = 0 OR so_far - size < %s THEN {data} END FROM (
    SELECT turn, stream, seq, type, actor_id, at, data, size,
        SUM(size) OVER (ORDER BY turn, stream, seq ROWS UNBOUNDED PRECEDING) AS so_far
    FROM (
        SELECT turn, event.stream, event.seq, type, actor_id, at, data, {size} AS size
        FROM {wanted} JOIN "api_event" event ON event.stream = wanted.stream AND event.seq = wanted.seq
    ) AS sized
) AS counted"""


@lru_cache(LIMITS_KEPT)
def _page_after(limit: int) -> CompiledQuery[FinishedRow]:
    after, stream = param("after", BigIntegerField()), param("stream", UUIDField())
    events = Event.objects.filter(stream=stream, seq__gt=after)
    return CompiledQuery(lambda: events.finished_within(param("budget", BigIntegerField()), "seq")[:limit])


def is_of_inbox(event_type: str, seq: int | None) -> bool:
    """Return whether an event belongs to a user's inbox: the durable inbox types do; an ephemeral read.updated is a
    room's."""
    return event_type in INBOX_TYPES and seq is not None


def finish(
    event_type: str, stream: UUID, seq: int | None, at: datetime, actor_id: UUID | None, data: str | bytes
) -> bytes:
    """An event as every client sees it, in whatever way it travels."""
    event = {
        "type": event_type,
        "room_id": None if is_of_inbox(event_type, seq) else stream,
        "seq": seq,
        "at": format_time(at),
        "actor_id": actor_id,
        "data": orjson.Fragment(data),
    }
    return orjson.dumps(event)


class Event(models.Model):
    """One thing that happened, rendered once when it was written. `seq` is None for what is never stored."""

    pk = models.CompositePrimaryKey("stream", "seq")
    stream = models.UUIDField()
    seq = models.BigIntegerField()
    type = models.CharField(max_length=32)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    message_id = models.UUIDField(null=True)
    data = models.TextField()
    at = models.DateTimeField()

    min_seq = 0  # of an ephemeral event: only for who has applied the stream up to here
    epoch: int | None = None  # as the transaction that wrote it read it; None for the first of a stream

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["message_id"], name="event_by_message", condition=models.Q(message_id__isnull=False))
        ]

    @property
    def in_inbox(self) -> bool:
        """See `is_of_inbox`."""
        return is_of_inbox(self.type, self.seq)

    def json(self) -> bytes:
        """The event as every client sees it, in whatever way it travels."""
        return finish(self.type, self.stream, self.seq, self.at, self.actor_id, self.data)

    def membership(self) -> list[tuple[UUID, bool]]:
        """The users who are members from this event on (True) and those who no longer are (False)."""
        if self.type == "room.created":
            return [(UUID(member["user_id"]), True) for member in orjson.loads(self.data)["members"]]
        if self.type in ("member.joined", "member.left", "member.removed"):
            return [(UUID(orjson.loads(self.data)["user"]["id"]), self.type == "member.joined")]
        return []
