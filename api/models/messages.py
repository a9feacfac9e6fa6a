"""Messages: each row has the place of a message in its room, and the JSON that every client receives."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from uuid_utils.compat import uuid7

from api.models.blocks import Block, BlockList
from api.models.members import Member
from api.models.visibility import is_visible_to


class MessageQuerySet(models.QuerySet["Message"]):
    """Reads of messages, limited to those that a user may see."""

    def visible_to(self, member: Member) -> "MessageQuerySet":
        """The messages of the member's room that the history rule lets them see."""
        return self.filter(is_visible_to(member), room_id=member.room_id)

    def by_others(self, user_id: UUID) -> "MessageQuerySet":
        """The messages that count as unread if their seq is above the read marker."""
        return self.filter(self.is_not_hidden_from(user_id), deleted_at=None).exclude(sender_id=user_id)

    @staticmethod
    def is_not_hidden_from(user_id: UUID) -> Q:
        """Return the condition that the user does not block the sender: stubs count in nothing.

        For a user who blocks nobody the database looks that up once, and nothing for each message.
        """
        hides = Block.objects.filter(user_id=user_id, blocked_id=OuterRef("sender_id"))
        return Q(~BlockList.is_used_by(user_id)) | Q(~Exists(hides))


class Message(models.Model):
    """One message. `data` is its JSON as of its last event, so a page of history is a page of strings."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey("api.Room", models.PROTECT, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    version = models.BigIntegerField()
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    client_id = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)  # SHA-256 of (text in NFC, metadata, reply_to) as first sent
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    data = models.TextField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["room", "sender", "client_id"], name="message_sent_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["room", "created_at"], name="message_by_time")]
