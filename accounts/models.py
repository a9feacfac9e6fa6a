"""Users with their e-mail addresses, held names and external ids, their sessions, server keys, and the mail to send."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.audit import Acting, AuditRecord
from accounts.ended import ended_in_memory
from wire import search
from wire.characters import fold
from wire.fields import parse_uuid

__all__ = [
    "AuditRecord",
    "EmailAddress",
    "ExternalIdentity",
    "HeldUsername",
    "KeyScope",
    "Mail",
    "MailKind",
    "NameWord",
    "ServerKey",
    "Session",
    "User",
    "UserKind",
    "fold",
]

USERNAME_CHARS = 32
MIN_USERNAME_CHARS = 3
USERNAME = re.compile(f"[a-z0-9_.-]{{{MIN_USERNAME_CHARS},{USERNAME_CHARS}}}")
TOMBSTONE_PREFIX = "deleted-"  # no such name can be registered
DISPLAY_NAME_CHARS = 64
AVATAR_URL_CHARS = 500
DEVICE_NAME_CHARS = 64
PLATFORM_CHARS = 32
EXTERNAL_ID_CHARS = 255
EXTERNAL_ID = re.compile(f"[ -~]{{1,{EXTERNAL_ID_CHARS}}}")
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
KEY_NAME_CHARS = 64
EMAIL_CHARS = 254  # RFC 3696, erratum 1690
EMAIL_KEY_CHARS = 3 * EMAIL_CHARS  # case folding makes up to three characters of one

# Names that look like the service itself, a mention of everybody, or no name at all. Existing accounts keep theirs.
_RESERVED = """
    abuse admin administration administrator administrators admins all anonymous anyone api bot bots channel chat daemon
    deleted everybody everyone false help helpdesk here host hostmaster login logout mail me mod moderation moderator
    moderators mods nan nil no-reply nobody none noreply null official operator operators owner owners parley password
    postmaster register root security server service settings signup staff status support sys sysadmin system true
    undefined unknown webmaster
"""
RESERVED_USERNAMES = frozenset(_RESERVED.split())


def is_reserved(username: str) -> bool:
    """Return whether a folded username may not be registered, also with separators around it or inside."""
    words = username.strip("._-")
    return not words or words in RESERVED_USERNAMES or re.sub(r"[._-]", "", words) in RESERVED_USERNAMES


def digest_username(username: str) -> bytes:
    """Return a digest of a former name: it keeps the name taken, and the name cannot be read from it."""
    return hashlib.sha256(username.encode()).digest()


def is_external_id(external_id: str) -> bool:
    """Return whether a backend may name a user so: 1 to 255 printable ASCII characters.

    An end in /sessions is refused: the path of such a user would be that of another user's sessions.
    """
    return EXTERNAL_ID.fullmatch(external_id) is not None and not external_id.endswith("/sessions")


def digest_id(external_id: str) -> bytes:
    """Return a digest of the external id of an erased user, from which it cannot be read."""
    return hashlib.sha256(external_id.encode()).digest()


class UserQuerySet(models.QuerySet["User"]):
    """Queries of users."""

    def matching(self, text: str) -> UserQuerySet:
        """Select active users: each word of the text begins a word of their username or display name."""
        found = self.filter(is_active=True)
        for first, last in search.ranges(text):
            found = found.filter(pk__in=NameWord.objects.filter(word__gte=first, word__lt=last).values("user_id"))
        return found

    def named(self, username: str) -> UserQuerySet:
        """Select the active user with exactly this username."""
        return self.filter(is_active=True, username=fold(username))

    def called(self, name: str) -> UserQuerySet:
        """Select the user, active or not, with this username, this id, or this username before the deletion."""
        username = fold(name)
        called = Q(username=username) | Q(former_username=digest_username(username))
        user_id = parse_uuid(name)
        return self.filter(called | Q(pk=user_id) if user_id else called)


class UserKind(models.TextChoices):
    """The kinds of users. A bot is a program that chats with a server key of its own."""

    PERSON = "person"
    BOT = "bot"


class User(AbstractBaseUser):
    """A person or a program that chats. A deleted user becomes a tombstone, because messages refer to their author."""

    last_login = None  # sessions have last_used_at

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(max_length=USERNAME_CHARS, unique=True)
    display_name = models.CharField(max_length=DISPLAY_NAME_CHARS)
    avatar_url = models.CharField(max_length=AVATAR_URL_CHARS, null=True)
    metadata = models.JSONField(default=dict)
    # The default is the database's: older processes insert rows without a kind during a rolling update.
    kind = models.CharField(max_length=8, choices=UserKind, default=UserKind.PERSON, db_default=UserKind.PERSON)
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

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Save the user, and with a changed name the words by which the search finds it."""
        update_fields = None if update_fields is None else frozenset(update_fields)
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **options)
            if update_fields is None or update_fields & {"username", "display_name"}:
                NameWord.objects.filter(user=self).delete()
                NameWord.objects.bulk_create(self.name_words())

    def name_words(self) -> list[NameWord]:
        """Return the words by which the search finds the user, as rows; a deleted user has none."""
        found = search.words(self.username) | search.words(self.display_name) if self.deleted_at is None else set()
        return [NameWord(user=self, word=word) for word in sorted(found)]

    def become_tombstone(self, at: datetime) -> None:
        """Erase personal data. The id remains, and the username remains taken."""
        self.former_username = digest_username(self.username)
        self.username = TOMBSTONE_PREFIX + self.id.hex[-(USERNAME_CHARS - len(TOMBSTONE_PREFIX)) :]
        self.display_name = "Deleted account"
        self.avatar_url, self.metadata = None, {}
        self.is_active, self.deleted_at = False, at
        self.set_unusable_password()


class HeldUsername(models.Model):
    """A name that its user gave up, by its digest. Until `until` nobody else can take it."""

    digest = models.BinaryField(max_length=32, primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="held_usernames")
    until = models.DateTimeField()

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class ExternalIdentity(models.Model):
    """The id by which an app's backend names a user, in its requests and in the `sub` of its JWTs.

    It is a table of its own: users without one cost nothing. After the user is erased only a digest of the id remains,
    so that a JWT of before does not make the user anew.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="external")
    external_id = models.CharField(max_length=EXTERNAL_ID_CHARS, null=True, unique=True)
    former_id = models.BinaryField(max_length=32, null=True, unique=True)
    tokens_valid_after = models.DateTimeField(null=True)  # JWTs issued at or before it are refused

    def __str__(self) -> str:
        return self.external_id or "erased"

    def become_former(self, at: datetime) -> None:
        """Keep a digest of the id, and refuse the JWTs of before."""
        if self.external_id is not None:
            self.former_id, self.external_id, self.tokens_valid_after = digest_id(self.external_id), None, at


class EmailAddress(models.Model):
    """The e-mail address of a user, if they have one. A password is reset only by a verified address.

    It is a table of its own: requests and sends read the user's row and never the address.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="email_address")
    address = models.CharField(max_length=EMAIL_CHARS)  # as typed, in NFC
    key = models.CharField(max_length=EMAIL_KEY_CHARS)  # the form in which addresses are compared
    changed_at = models.DateTimeField(default=timezone.now)
    verified_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(verified_at__isnull=False), name="email_verified_by_one_user"
            )
        ]

    def __str__(self) -> str:
        return self.address


class MailKind(models.TextChoices):
    """The kinds of mail that the server sends."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"
    EMAIL_CHANGED = "email_changed"


class Mail(models.Model):
    """A mail that waits for its turn. Links are made when it is sent, so no row holds a token.

    The row of a password reset is written for every requested address and has no user: the address is looked up when
    the row is processed, so that the request takes the same time whether an account has the address.
    """

    kind = models.CharField(max_length=16, choices=MailKind)
    address = models.CharField(max_length=EMAIL_KEY_CHARS)  # the key of the typed address for a reset
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    failures = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.kind} of {self.created_at}"


class NameWord(models.Model):
    """A word by which the search finds a user; see wire.search."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    word = models.BinaryField(max_length=search.WORD_BYTES)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["word", "user"], name="users_by_word")]

    def __str__(self) -> str:
        return bytes(self.word).decode(errors="replace")


class KeyScope(models.TextChoices):
    """The rights of a server key."""

    ADMIN = "admin"  # calls admin/*, and acts as users
    BOT = "bot"  # is the session of one bot


class ServerKey(models.Model):
    """A key of an app's backend or of a bot. Only its SHA-256 is stored, as of a session's token.

    A revoked key is a deleted row, and its sessions are deleted with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=KEY_NAME_CHARS)  # for people; two keys may have one while they are rotated
    scope = models.CharField(max_length=8, choices=KeyScope)
    token_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # of a bot's key, its session has it

    def __str__(self) -> str:
        return self.name

    @property
    def user_id(self) -> UUID:
        """The account that rate limits count: the key itself."""
        return self.id


class SessionQuerySet(models.QuerySet["Session"]):
    """Queries of sessions."""

    def live(self) -> SessionQuerySet:
        """Select sessions that have not expired or ended in memory (accounts.ended); others that ended have no row."""
        live = self.filter(expires_at__gt=timezone.now())
        return live.exclude(pk__in=ended) if (ended := ended_in_memory()) else live

    def of_devices(self) -> SessionQuerySet:
        """Select the sessions that their user opened and can see and end: those of server keys end with the key."""
        return self.filter(key=None)


class Session(models.Model):
    """A device's token. Only its SHA-256 is stored: the token has 256 random bits, so no slow hash is needed.

    An ended session is a deleted row, so that no query can forget to exclude it. A server key has sessions, too: a
    bot's has one with the hash of the key, and an admin's has one for each user as whom it acts, which has no token.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    token_hash = models.BinaryField(max_length=32, unique=True)
    name = models.CharField(max_length=DEVICE_NAME_CHARS, default="")
    platform = models.CharField(max_length=PLATFORM_CHARS, default="")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField(null=True)  # no use postpones the expiry beyond it
    key = models.ForeignKey(ServerKey, models.CASCADE, null=True, related_name="sessions", db_index=False)

    acting: Acting | None = None  # the call of a server key as the user; not stored

    objects = SessionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # Partial: the sessions of devices are not in the index.
            models.UniqueConstraint(
                fields=["key", "user"], condition=Q(key__isnull=False), name="session_of_key_and_user"
            )
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    def slide(self, now: datetime) -> None:
        """Record a use, which postpones the expiry by the idle time, up to the longest life of a session."""
        self.last_used_at = now
        if self.key_id is not None:  # it lives as long as its key
            self.expires_at = self.ends_at or NEVER
            return
        self.expires_at = min(now + idle_time(), self.created_at + longest_time())
        if self.ends_at is not None:
            self.expires_at = min(self.expires_at, self.ends_at)


def idle_time() -> timedelta:
    """Return the life of an unused session, the setting SESSION_IDLE_SECONDS."""
    return timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def longest_time() -> timedelta:
    """Return the longest life of a session, the setting SESSION_MAX_SECONDS."""
    return timedelta(seconds=settings.SESSION_MAX_SECONDS)
