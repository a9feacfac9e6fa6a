"""Invitations of users to rooms."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class InviteQuerySet(models.QuerySet["Invite"]):
    """Reads of invitations."""

    def open(self) -> "InviteQuerySet":
        """Keep the invitations that were neither accepted, declined nor withdrawn."""
        return self.filter(ended_at=None)


class Invite(models.Model):
    """An invitation of a user to a room.

    The row is kept after the end: the erasure of an account finds by it the events that contain the user.
    """

    room = models.ForeignKey("api.Room", models.PROTECT, related_name="invites", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="invites", db_index=False)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    created_seq = models.BigIntegerField()  # of its invite.created
    ended_at = models.DateTimeField(null=True)

    objects = InviteQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "user"], condition=Q(ended_at=None), name="one_open_invite"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "created_at", "id"], name="invites_of_user", condition=Q(ended_at=None)),
            models.Index(fields=["user", "room"], name="rooms_that_invited"),
            models.Index(fields=["invited_by", "user"], name="users_invited_by"),
        ]
