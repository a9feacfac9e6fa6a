"""Mentions: the messages that name a user, or everybody in their room."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from api.models.blocks import is_not_blocked_by
from api.models.messages import Message


class MentionQuerySet(models.QuerySet["Mention"]):
    """Reads of mentions."""

    def by_others(self, user_id: Any) -> "MentionQuerySet":
        """The mentions in messages of other senders, whom the user does not block."""
        return self.filter(is_not_blocked_by(user_id, "sender_id")).exclude(sender_id=user_id)


class Mention(models.Model):
    """A message that names `target`: the id of a user, or of the room for everybody in it.

    It ends with the deletion of the message. A message that names everybody has one row, however many users it names
    beside: one look-up finds the mentions of a user, and no message is found twice.
    """

    target = models.UUIDField()
    room = models.ForeignKey("api.Room", models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, models.PROTECT, related_name="+")
    # Of the message: to count the mentions that are unread reads no message.
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    in_main_line = models.BooleanField()
    created_at = models.DateTimeField()

    objects = MentionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["target", "room", "seq"], name="mentioned_once")]
        indexes: ClassVar = [models.Index(fields=["target", "created_at", "message"], name="mentions_by_time")]
