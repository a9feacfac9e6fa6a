"""Bans and mutes: what the admins of a room have decided about a user, for ever or until a time."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

REASON_CHARS = 500


class SanctionQuerySet(models.QuerySet["Sanction"]):
    """Reads of bans or mutes."""

    def in_force(self) -> "SanctionQuerySet":
        """Keep those that were neither lifted nor have passed."""
        return self.filter(Q(until=None) | Q(until__gt=timezone.now()), ended_at=None)


class Sanction(models.Model):
    """One decision about one user of a room; the row is kept after its end, as that of an invitation is."""

    room = models.ForeignKey("api.Room", models.PROTECT, related_name="%(class)ss", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=REASON_CHARS, null=True)
    until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_seq = models.BigIntegerField()  # of the first event about it
    ended_at = models.DateTimeField(null=True)

    objects = SanctionQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "user"], name="%(class)s_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "room"], name="%(class)ss_of_user"),
            models.Index(fields=["room", "created_at", "id"], name="%(class)ss_of_room", condition=Q(ended_at=None)),
        ]

    @property
    def is_in_force(self) -> bool:
        """Return whether it was neither lifted nor has passed."""
        return self.ended_at is None and (self.until is None or self.until > timezone.now())


class Ban(Sanction):
    """A user may not be in the room."""


class Mute(Sanction):
    """A member may not write in the room. `Member.muted_until` repeats `until`, because every send reads that row."""
