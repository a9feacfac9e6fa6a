"""Usernames: which may be taken, and which a former owner holds for a year."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils import timezone

from accounts.models import TOMBSTONE_PREFIX, USERNAME, HeldUsername, User, digest_username, fold, is_reserved
from wire.problems import FieldError, Problem, define, invalid

HELD_FOR = timedelta(days=365)  # a former name is free to nobody else for this time
MAX_HELD = 10  # former names of one user at the same time, so that nobody can collect names

MADE_CHARS = 12
_MADE_FROM = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters, without those that look alike

define("auth.username_taken", 409, "The username is taken.")
define("username.limit", 409, "The username was changed too often.")


def clean_username(username: str) -> str:
    """Return the folded name. Raises Problem request.invalid for a malformed or reserved one."""
    folded = fold(username)
    if not USERNAME.fullmatch(folded):
        raise invalid("username", "invalid", "A username has 3 to 32 of the characters a-z 0-9 _ . -")
    if folded.startswith(TOMBSTONE_PREFIX) or is_reserved(folded):
        raise invalid("username", "reserved", "This username is reserved.")
    return folded


def made_username() -> str:
    """Return a username for a user who was given none: `u-` and 12 random characters, 60 bits."""
    return "u-" + "".join(secrets.choice(_MADE_FROM) for _ in range(MADE_CHARS))


def username_taken() -> Problem:
    """Return the Problem of a name that somebody has or holds."""
    return Problem("auth.username_taken", errors=[FieldError("username", "taken", "This username is taken.")])


def refuse_held(user: User) -> None:
    """Raise Problem auth.username_taken if another user, deleted or not, holds the name that `user` now has.

    Called after the name is written: the unique index has then waited for a concurrent change that frees the name, so
    that its hold is visible.
    """
    digest = digest_username(user.username)
    held = HeldUsername.objects.filter(digest=digest, until__gt=timezone.now()).exclude(user=user)
    if held.exists() or User.objects.filter(former_username=digest).exists():
        raise username_taken()


def hold(user: User, former: str) -> None:
    """Hold the name that the user gives up, and release the name that the user takes back.

    Raises Problem username.limit while the user holds MAX_HELD names. The caller has locked the user's row.
    """
    now = timezone.now()
    own = HeldUsername.objects.filter(user=user)
    own.filter(until__lte=now).delete()
    own.filter(digest=digest_username(user.username)).delete()
    if own.count() >= MAX_HELD:
        raise Problem("username.limit", f"You hold {MAX_HELD} former usernames. Take one of them, or wait.")
    HeldUsername.objects.update_or_create(
        digest=digest_username(former), defaults={"user": user, "until": now + HELD_FOR}
    )
