"""Rooms: public ones are listed and open to all, private ones are entered by invitation, direct ones join two users."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.expressions import BaseExpression
from uuid_utils.compat import uuid7

from api.models.choices import History, Kind, Posting, Receipts, State
from api.models.invites import Invite
from eventlog.models import Epoch, StreamHead
from wire import search

NAME_CHARS = 100
SLUG_CHARS = 64
TOPIC_CHARS = 500
# Members. The gap keeps a room whose members come and go from changing its mode with each of them.
LARGE_FROM = 101
SMALL_BELOW = 80


def direct_key(one: UUID, other: UUID) -> str:
    """Return the key of the direct room of two users: a pair has one room."""
    return ":".join(sorted([str(one), str(other)]))


class RoomQuerySet(models.QuerySet["Room"]):
    """Reads of rooms, each by what a user may see."""

    def visible_to(self, user_id: UUID) -> "RoomQuerySet":
        """Keep the user's own rooms, all public ones, and those to which the user is invited."""
        invited = Exists(Invite.objects.open().filter(room=OuterRef("pk"), user=user_id))
        return self.filter(Q(kind=Kind.PUBLIC) | Q(pk__in=self.model.joined_ids(user_id)) | Q(invited))

    def joined_by(self, user_id: UUID) -> "RoomQuerySet":
        """Keep the rooms of which the user is a member."""
        return self.filter(members__user_id=user_id, members__state=State.JOINED)

    def matching(self, text: str) -> "RoomQuerySet":
        """Keep the public rooms whose name or slug contains each word of the text."""
        found = self.filter(kind=Kind.PUBLIC)
        for first, last in search.ranges(text):
            found = found.filter(pk__in=RoomNamePart.objects.filter(part__gte=first, part__lt=last).values("room_id"))
        return found

    def with_heads(self) -> "RoomQuerySet":
        """Add head, last_event_at, last_message_at and epoch; one statement reads them, so they are consistent."""
        head = StreamHead.objects.filter(stream=OuterRef("pk"))
        heads: dict[str, BaseExpression] = {
            "head": Subquery(head.values("last_seq")),
            "last_event_at": Subquery(head.values("last_at")),
            "last_message_at": Subquery(head.values("last_message_at")),
            "epoch": Epoch.as_expression(),
        }
        return self.annotate(**heads)


class Room(models.Model):
    """One room. Its events are in the log, in the stream with the room's id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=NAME_CHARS, null=True)
    slug = models.CharField(max_length=SLUG_CHARS, null=True)
    former_slug = models.CharField(max_length=SLUG_CHARS, null=True)  # of an archived room, for unarchiving
    topic = models.CharField(max_length=TOPIC_CHARS, default="")
    metadata = models.JSONField(default=dict)
    history = models.CharField(max_length=12, choices=History.choices)
    member_count = models.PositiveIntegerField(default=0)
    # Above 100 members receipts are counted and nobody's typing is shown, until there are fewer than 80 again.
    is_large = models.BooleanField(default=False, db_default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    client_id = models.CharField(max_length=64, null=True)
    digest = models.CharField(max_length=64, null=True)  # SHA-256 of the body as first sent with client_id
    direct_key = models.CharField(max_length=73, null=True, unique=True)  # both user ids, in order: one room a pair
    created_at = models.DateTimeField()
    renamed_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    posting = models.CharField(
        max_length=8, choices=Posting.choices, default=Posting.EVERYONE, db_default=Posting.EVERYONE
    )
    slow_mode_seconds = models.PositiveIntegerField(default=0, db_default=0)  # between two messages of a member
    # Messages older than so many days become tombstones. Those below purged_before_seq are, by the event purged_seq.
    retention_days = models.PositiveIntegerField(null=True)
    purged_before_seq = models.BigIntegerField(default=0, db_default=0)
    purged_seq = models.BigIntegerField(default=0, db_default=0)

    # Annotations of `with_heads`.
    head: int
    last_event_at: datetime
    last_message_at: datetime | None
    epoch: int

    objects = RoomQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["slug"], name="slug_is_unique"),
            models.UniqueConstraint(fields=["created_by", "client_id"], name="room_is_created_once"),
            models.CheckConstraint(condition=Q(slug=None) | Q(kind=Kind.PUBLIC), name="only_public_rooms_have_slugs"),
            models.CheckConstraint(condition=Q(slug=None) | Q(archived_at=None), name="archived_rooms_have_no_slug"),
            models.CheckConstraint(
                condition=(Q(kind=Kind.DIRECT) & Q(name=None) & Q(direct_key__isnull=False))
                | (~Q(kind=Kind.DIRECT) & Q(name__isnull=False) & Q(direct_key=None)),
                name="direct_rooms_have_no_name",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["name", "id"], name="directory", condition=Q(kind=Kind.PUBLIC)),
            models.Index(fields=["id"], name="rooms_with_retention", condition=Q(retention_days__isnull=False)),
        ]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Save the room and, when its name or slug may have changed, the words for the directory's search."""
        update_fields = None if update_fields is None else frozenset(update_fields)
        super().save(*args, update_fields=update_fields, **options)
        if self.kind == Kind.PUBLIC and (update_fields is None or update_fields & {"name", "slug"}):
            RoomNamePart.objects.filter(room=self).delete()
            RoomNamePart.objects.bulk_create(self.name_parts())

    def name_parts(self) -> "list[RoomNamePart]":
        """Return the parts of the name and slug by which the directory finds the room; only a public one has any."""
        found = search.parts(f"{self.name} {self.slug or ''}") if self.kind == Kind.PUBLIC else set()
        return [RoomNamePart(room=self, part=part) for part in sorted(found)]

    @staticmethod
    def joined_ids(user_id: UUID) -> "models.QuerySet[Room, UUID]":
        """Build a subquery of the ids of the user's rooms."""
        return Room.objects.joined_by(user_id).values_list("pk", flat=True)

    @property
    def mode(self) -> dict[str, Any]:
        """Return what members learn about each other; a large room would cost the square of its members."""
        return {"receipts": Receipts.COUNTS if self.is_large else Receipts.MEMBERS, "typing": not self.is_large}

    def count_members(self, change: int) -> bool:
        """Change the number of members; return whether the mode has changed with it. The caller saves the room."""
        was_large = self.is_large
        self.member_count += change
        self.is_large = self.member_count >= (SMALL_BELOW if was_large else LARGE_FROM)
        return self.is_large != was_large

    @property
    def is_archived(self) -> bool:
        """Return whether the room is read-only until an owner unarchives it."""
        return self.archived_at is not None


class RoomNamePart(models.Model):
    """A part of a public room's name or slug, for the directory's search; see wire.search."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="+")
    part = models.BinaryField(max_length=search.WORD_BYTES)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["part", "room"], name="rooms_by_name_part")]

    def __str__(self) -> str:
        return bytes(self.part).decode(errors="replace")
