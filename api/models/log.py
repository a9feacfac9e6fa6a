"""The event log: one gapless stream of events for each room and for each user's inbox."""

from collections.abc import Collection, Mapping
from typing import ClassVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.expressions import RawSQL

from api.models.members import Interval, Member
from api.models.values import as_table
from wire.fields import format_time

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


Places = Mapping[UUID, Collection[int]]  # seqs, by stream
Events = dict[UUID, dict[int, bytes]]  # finished, by stream and seq


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of the log."""

    def page_after(self, stream: UUID, after: int, limit: int) -> list["Event"]:
        """The next events of a stream in order. Contiguous, because commit order is seq order (design section 2)."""
        return list(self.filter(stream=stream, seq__gt=after).order_by("seq")[:limit])

    def at(self, places: Places) -> Events:
        """The finished events at these places: one step in the index for each."""
        if not places:
            return {}
        streams = [stream for stream, seqs in places.items() for _ in seqs]
        seqs = [seq for seqs in places.values() for seq in seqs]
        wanted, parameters = as_table("wanted", stream=("uuid", streams), seq=("bigint", seqs))
        is_wanted = RawSQL(f"(stream, seq) IN (SELECT stream, seq FROM {wanted})", parameters, models.BooleanField())
        found: Events = {}
        for event in self.filter(is_wanted):
            found.setdefault(event.stream, {})[event.seq] = event.json()
        return found

    def visible_to(self, member: Member) -> "EventQuerySet":
        """The events of the member's room that the history rule gives them (design section 3)."""
        events = self.filter(stream=member.room_id)
        if member.room.history == "shared":
            return events
        stays = Interval.objects.filter(room_id=member.room_id, user_id=member.user_id)
        return events.filter(Exists(stays.around(OuterRef("seq"))))


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
        """Whether this event is of a user's inbox: the durable inbox types; an ephemeral read.updated is a room's."""
        return self.type in INBOX_TYPES and self.seq is not None

    def json(self) -> bytes:
        """The event as every client sees it, in whatever way it travels."""
        event = {
            "type": self.type,
            "room_id": None if self.in_inbox else self.stream,
            "seq": self.seq,
            "at": format_time(self.at),
            "actor_id": self.actor_id,
            "data": orjson.Fragment(self.data),
        }
        return orjson.dumps(event)

    def membership(self) -> list[tuple[UUID, bool]]:
        """Who is a member from this event on (True) and who is not (False)."""
        if self.type == "room.created":
            return [(UUID(member["user_id"]), True) for member in orjson.loads(self.data)["members"]]
        if self.type in ("member.joined", "member.left", "member.removed"):
            return [(UUID(orjson.loads(self.data)["user"]["id"]), self.type == "member.joined")]
        return []
