"""Messages: each row has the place of a message in its room, and the JSON that every client receives."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from api.models.blocks import is_not_blocked_by
from api.models.members import Member
from api.models.visibility import is_visible_to


class MessageQuerySet(models.QuerySet["Message"]):
    """Reads of messages, limited to those that a user may see."""

    def visible_to(self, member: Member) -> "MessageQuerySet":
        """The messages of the member's room that the history rule lets them see."""
        return self.filter(is_visible_to(member), room_id=member.room_id)

    def in_line(self, thread: Any = None) -> "MessageQuerySet":
        """The messages of the room's main line, or the replies in a thread."""
        return self.filter(in_main_line=True) if thread is None else self.filter(thread_root=thread)

    def begin_threads(self) -> "MessageQuerySet":
        """The messages that can have a thread: a reply in one has none of its own."""
        return self.filter(thread_root=None)

    def by_others(self, user_id: UUID) -> "MessageQuerySet":
        """The messages that count as unread if their seq is above the read marker."""
        return self.filter(is_not_blocked_by(user_id, "sender_id"), deleted_at=None).exclude(sender_id=user_id)


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
    thread_root = models.UUIDField(null=True)  # of a reply in a thread: the message that began it
    in_main_line = models.BooleanField(default=True, db_default=True)  # every message but replies that are not in_room
    data = models.TextField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["room", "sender", "client_id"], name="message_sent_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["room", "created_at"], name="message_by_time"),
            models.Index(fields=["room", "seq"], name="message_in_main_line", condition=Q(in_main_line=True)),
            models.Index(
                fields=["thread_root", "seq"], name="message_in_thread", condition=Q(thread_root__isnull=False)
            ),
        ]
