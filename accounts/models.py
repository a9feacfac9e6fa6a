"""Who you are: the user, and a session for each of the user's devices."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.ended import held

USERNAME_CHARS = 32
USERNAME = re.compile(r"[a-z0-9_.-]{3,32}")
TOMBSTONE_PREFIX = "deleted-"  # nobody can register such a name
DISPLAY_NAME_CHARS = 64


def fold(text: str) -> str:
    """The form in which names are compared: NFKC, then case-folded, so that look-alike spellings are one name."""
    return unicodedata.normalize("NFKC", text).casefold()


def digest_username(username: str) -> bytes:
    """What is kept of a deleted user's name: enough to refuse it to somebody else, not enough to show it."""
    return hashlib.sha256(username.encode()).digest()


class UserQuerySet(models.QuerySet["User"]):
    """Reads of users."""

    def matching(self, text: str) -> UserQuerySet:
        """Active users whose username or display name begins with the text."""
        prefix = fold(text)
        return self.filter(Q(username__startswith=prefix) | Q(search_name__startswith=prefix), is_active=True)


class User(AbstractBaseUser):
    """A person or a program that chats. A deleted user stays as a tombstone, because messages name their author."""

    last_login = None  # a session's last_used_at tells more

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(max_length=USERNAME_CHARS, unique=True)
    display_name = models.CharField(max_length=DISPLAY_NAME_CHARS)
    search_name = models.CharField(max_length=4 * DISPLAY_NAME_CHARS, db_index=True, editable=False)
    avatar_url = models.CharField(max_length=500, null=True)
    metadata = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True)
    former_username = models.BinaryField(max_length=32, null=True, unique=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(deleted_at=None) | Q(is_active=False), name="user_deleted_is_inactive")
        ]

    def __str__(self) -> str:
        return self.username

    def rename(self, display_name: str) -> None:
        """Set the display name and the folded form that the search compares. NFKC may grow a character 18-fold."""
        self.display_name = display_name
        self.search_name = fold(display_name)[: 4 * DISPLAY_NAME_CHARS]

    def become_tombstone(self, at: datetime) -> None:
        """Wipe what is personal; the id stays, and the name stays taken."""
        self.former_username = digest_username(self.username)
        self.username = TOMBSTONE_PREFIX + self.id.hex[-(USERNAME_CHARS - len(TOMBSTONE_PREFIX)) :]
        self.rename("Deleted account")
        self.avatar_url, self.metadata = None, {}
        self.is_active, self.deleted_at = False, at
        self.set_unusable_password()


class SessionQuerySet(models.QuerySet["Session"]):
    """Reads of sessions."""

    def live(self) -> SessionQuerySet:
        """Those that have not expired; an ended one is no row at all, or will soon be none."""
        live = self.filter(expires_at__gt=timezone.now())
        return live.exclude(pk__in=ended) if (ended := held()) else live


class Session(models.Model):
    """A device's token. Only its SHA-256 is kept: the token has 256 random bits, so no slow hash is needed.

    An ended session is a deleted row, so whoever looks one up cannot forget to ask whether it has ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    token_hash = models.BinaryField(max_length=32, unique=True)
    name = models.CharField(max_length=64, default="")
    platform = models.CharField(max_length=32, default="")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = SessionQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)

    def slide(self, now: datetime) -> None:
        """Note a use: the session lives on for the idle time, but never beyond the most that any session lives."""
        self.last_used_at = now
        self.expires_at = min(now + idle_time(), self.created_at + longest_time())


def idle_time() -> timedelta:
    """How long an unused session lives; SESSION_IDLE_SECONDS, 30 days by default."""
    return timedelta(seconds=getattr(settings, "SESSION_IDLE_SECONDS", 30 * 86_400))


def longest_time() -> timedelta:
    """How long any session lives; SESSION_MAX_SECONDS, 365 days by default."""
    return timedelta(seconds=getattr(settings, "SESSION_MAX_SECONDS", 365 * 86_400))
