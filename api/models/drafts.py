"""Drafts: texts that a user has not sent yet, for all devices of the user."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class Draft(models.Model):
    """The draft of a user for the main line of a room, or for a thread of it.

    `place` is the root of the thread, or the room's id for the main line: a null would not be unique.
    """

    room = models.ForeignKey("api.Room", models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    place = models.UUIDField()
    text = models.TextField()
    metadata = models.JSONField(default=dict)
    reply_to = models.UUIDField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "room", "place"], name="one_draft_of_place")]
        indexes: ClassVar = [models.Index(fields=["user", "updated_at", "id"], name="drafts_by_time")]
