"""Server keys: an operator makes one for a backend or a bot, and revokes it."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, services
from accounts.authentication import KEY_PREFIX, TOUCH_EVERY, hash_token
from accounts.models import NEVER, KeyScope, ServerKey, Session, User, UserKind
from accounts.usernames import clean_username, made_username, refuse_held, username_taken
from wire.problems import Problem, invalid

MAX_KEYS = 100


class NewKey(NamedTuple):
    """A new key and its token, which is not stored."""

    token: str
    key: ServerKey


def create_key(
    *,
    name: str,
    scope: KeyScope,
    expires_at: datetime | None = None,
    username: str | None = None,
    actor: str = audit.COMMAND,
    reason: str = "",
) -> NewKey:
    """Make a key. A bot's key is the key of the bot `username`, which is made unless it exists; None makes a name.

    Raises Problem request.invalid (expires, username), forbidden when there are MAX_KEYS, or auth.username_taken
    for the name of a person.
    """
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        raise invalid("expires", "invalid", "The time is in the past.")
    token = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ServerKey(name=name, scope=scope, token_hash=hash_token(token), created_at=now, expires_at=expires_at)
    with transaction.atomic():
        if ServerKey.objects.count() >= MAX_KEYS:
            raise Problem("forbidden", f"There are {MAX_KEYS} server keys already: revoke one.")
        key.save(force_insert=True)
        if scope == KeyScope.BOT:
            # So long before its creation, the first use is recorded at once.
            times = {"created_at": now, "last_used_at": now - TOUCH_EVERY, "ends_at": expires_at}
            bot = _find_or_create_bot(name, username)
            Session.objects.create(
                user=bot, token_hash=key.token_hash, name=name, key=key, expires_at=expires_at or NEVER, **times
            )
        audit.record("key.created", actor=actor, target=("key", key.pk), reason=reason)
    return NewKey(token, key)


def _find_or_create_bot(name: str, username: str | None) -> User:
    """Return the bot with this username, within the caller's transaction."""
    bot = User(username=made_username() if username is None else clean_username(username), kind=UserKind.BOT)
    known = User.objects.filter(username=bot.username).first()
    if known is not None:
        if known.kind != UserKind.BOT or not known.is_active:
            raise username_taken()
        return known
    bot.display_name = name
    bot.set_unusable_password()
    try:
        with transaction.atomic():
            bot.save(force_insert=True)
    except IntegrityError as error:
        raise username_taken() from error
    refuse_held(bot)
    return bot


def revoke_key(*, key_id: UUID, actor: str = audit.COMMAND, reason: str = "") -> bool:
    """Revoke a key, at once: its sessions end and their sockets close. Returns False for one that is revoked already.

    Raises Problem not_found for an id that never was a key's.
    """
    if services.revoke(partial(_delete_key, key_id, actor, reason)):
        return True
    former = audit.AuditRecord.objects.filter(
        target_type="key", target_id=str(key_id), action__in=("key.revoked", "key.created")
    )
    if not former.exists():
        raise Problem("not_found", "There is no such key.")
    return False


def _delete_key(key_id: UUID, actor: str, reason: str) -> bool:
    with transaction.atomic():
        key = ServerKey.objects.select_for_update().filter(pk=key_id).first()
        if key is None:
            return False
        services.delete_sessions(Session.objects.filter(key=key))
        key.delete()
        audit.record("key.revoked", actor=actor, target=("key", key_id), reason=reason)
    return True


def require_key(key: ServerKey) -> None:
    """Raise Problem auth.invalid_token for a key that was revoked or has expired; every write of a key calls this."""
    expires_at = ServerKey.objects.filter(pk=key.pk).values_list("expires_at", flat=True)
    if not expires_at or (expires_at[0] is not None and expires_at[0] <= timezone.now()):
        raise Problem("auth.invalid_token")
