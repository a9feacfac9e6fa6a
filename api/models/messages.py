"""Messages: each one is a row that says where it stands, and the JSON that everybody gets."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from uuid_utils.compat import uuid7

from api.models.choices import History
from api.models.members import Member, MembershipPeriod


class MessageQuerySet(models.QuerySet["Message"]):
    """Reads of messages, each by what a user may see."""

    def visible_to(self, member: Member) -> "MessageQuerySet":
        """The messages of the member's room that the history rule gives them (design section 3)."""
        messages = self.filter(room_id=member.room_id)
        if member.room.history == History.SHARED:
            return messages
        stays = MembershipPeriod.objects.filter(room_id=member.room_id, user_id=member.user_id)
        return messages.filter(Exists(stays.around(OuterRef("seq"))))

    def by_others(self, user_id: UUID) -> "MessageQuerySet":
        """The messages that count as unread when their seq is above the read marker."""
        return self.filter(deleted_at=None).exclude(sender_id=user_id)


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
