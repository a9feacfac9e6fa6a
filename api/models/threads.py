"""Threads: the replies to a message apart from the room's main line, and who follows them."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from api.models.messages import Message


class Thread(models.Model):
    """The place of a message and of the replies to it in lists of threads.

    The first reply or the first follower creates it. The root's Message has the number of replies.
    """

    root = models.OneToOneField(Message, models.PROTECT, primary_key=True, related_name="+")
    last_seq = models.BigIntegerField()  # of the newest reply; before the first one of the root
    active_at = models.DateTimeField()  # the time of the same message


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
