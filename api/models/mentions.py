"""Mentions: the messages that name a user, or everybody in their room."""

from typing import Any, ClassVar

from django.db import models

from api.models.messages import Message


class MentionQuerySet(models.QuerySet["Mention"]):
    """Reads of mentions."""

    def by_others(self, user_id: Any) -> "MentionQuerySet":
        """The mentions in messages that are not deleted and have another sender."""
        return self.filter(message__deleted_at=None).exclude(message__sender_id=user_id)


class Mention(models.Model):
    """A message that names `target`: the id of a user, or of the room for everybody in it.

    A message that names everybody has one row, however many users it names beside: one look-up finds the mentions of a
    user, and no message is found twice.
    """

    target = models.UUIDField()
    room = models.ForeignKey("api.Room", models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, models.PROTECT, related_name="+")
    seq = models.BigIntegerField()  # of the message
    created_at = models.DateTimeField()  # of the message

    objects = MentionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["target", "room", "seq"], name="mentioned_once")]
        indexes: ClassVar = [models.Index(fields=["target", "created_at", "message"], name="mentions_by_time")]
