"""Threads: the replies to a message apart from the room's main line, and who follows them."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Greatest

from api.models.choices import History
from api.models.members import Member
from api.models.messages import Message, MessageQuerySet
from api.models.visibility import is_in_period


class ThreadQuerySet(models.QuerySet["Thread"]):
    """Reads of threads."""

    def followed_by(self, user_id: Any, **follow: Any) -> "ThreadQuerySet":
        """The threads that a user follows in rooms of which they are a member, and whose root they may see.

        Adds `marker`, the seq up to which the user has read the thread: not before they last joined the room. `follow`
        are further conditions of the ThreadFollow.
        """
        wanted = {f"follows__{name}": value for name, value in follow.items()}
        is_shared = Q(follows__room__history=History.SHARED)
        is_visible = is_shared | Q(is_in_period(OuterRef("follows__room_id"), user_id, "root_seq"))
        # All in one filter: another one would join the follows of everybody.
        found = self.filter(is_visible, follows__user_id=user_id, follows__following=True, **wanted)
        memberships = Member.objects.joined().filter(room_id=OuterRef("follows__room_id"), user_id=user_id)
        found = found.annotate(joined_seq=Subquery(memberships.values("joined_seq"))).filter(joined_seq__isnull=False)
        marker: dict[str, Any] = {"marker": Greatest(F("follows__read_seq"), F("joined_seq"))}
        return found.annotate(**marker)

    def unread(self, user_id: Any, up_to: Any = None) -> "ThreadQuerySet":
        """Keep those of `followed_by` that have unread replies, up to this seq if one is given."""
        # PostgreSQL could make a join of EXISTS, and then read the whole table of messages.
        first = Subquery(Thread.unread_replies(user_id, up_to).order_by("seq").values("seq")[:1])
        return self.annotate(first_unread=first).filter(first_unread__isnull=False, last_seq__gt=F("marker"))


class Thread(models.Model):
    """The place of a message and of the replies to it in lists of threads.

    The first reply or the first follower creates it. The root's Message has the number of replies.
    """

    root = models.OneToOneField(Message, models.PROTECT, primary_key=True, related_name="+")
    root_seq = models.BigIntegerField()  # of the root: to count the threads of a room reads no message
    last_seq = models.BigIntegerField()  # of the newest reply; before the first one of the root
    active_at = models.DateTimeField()  # the time of the same message

    objects = ThreadQuerySet.as_manager()

    @staticmethod
    def unread_replies(user_id: Any, up_to: Any = None) -> MessageQuerySet:
        """Build a subquery of the replies that are unread in a row of `followed_by`.

        The marker is not before the user's last join, so the user may see all messages above it.
        """
        replies = Message.objects.in_line(OuterRef("pk")).filter(seq__gt=OuterRef("marker")).by_others(user_id)
        return replies if up_to is None else replies.filter(seq__lte=up_to)


class ThreadFollow(models.Model):
    """A user's view of a thread: whether they follow it, and up to where they have read it.

    A reply writes the rows of its sender, of those whom it mentions and, if it is the first one, of the root's sender.
    """

    room = models.ForeignKey("api.Room", models.PROTECT, related_name="+", db_index=False)
    thread = models.ForeignKey(Thread, models.PROTECT, related_name="follows", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    following = models.BooleanField()
    read_seq = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["thread", "user"], name="thread_followed_once")]
        indexes: ClassVar = [
            models.Index(fields=["user", "room"], name="threads_of_user", condition=models.Q(following=True))
        ]
