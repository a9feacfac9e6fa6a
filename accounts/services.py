"""Every write of accounts: register, log in and out, end sessions, change the password and the profile, delete."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import events
from accounts.authentication import hash_token
from accounts.models import TOMBSTONE_PREFIX, USERNAME, Session, User, digest_username, fold, is_reserved
from wire.problems import FieldError, Problem, define, invalid

TOKEN_PREFIX = "prl_"  # lets secret scanners recognise a leaked token
KEEP_EXPIRED = timedelta(days=1)  # so that a live socket can still tell "expired" from "revoked"
# A hash takes 100 MiB by design, and many requests run at once: a burst of logins would take all memory.
HASHES_AT_ONCE = 4
HASHES_WAITING = 32  # each holds one of the threads that all requests share; the others must remain for the rest
HASH_TURN_SECONDS = 30.0  # about two hundred hashes on two cores; who would wait longer is asked to come back
_hash_turns = BoundedSemaphore(HASHES_AT_ONCE)
_hash_queue = BoundedSemaphore(HASHES_WAITING)

define("auth.bad_credentials", 401, "The username or the password is wrong.")
define("auth.wrong_password", 403, "The password is wrong.")
define("auth.username_taken", 409, "The username is taken.")


class Login(NamedTuple):
    """A new session and its token, which is shown this once."""

    token: str
    session: Session


def register(*, username: str, password: str, display_name: str = "", device: Mapping[str, str] | None = None) -> Login:
    """Make an account and log it in. Raises Problem request.invalid (username, password) or auth.username_taken."""
    user = User(username=_clean_username(username))
    user.display_name = display_name or user.username
    _check_new_password(password, user, "password")
    with _turn_to_hash():
        user.set_password(password)
    taken = Problem("auth.username_taken", errors=[FieldError("username", "taken", "This username is taken.")])
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            # After the insert: it waits for a deletion that is giving the name up at this moment.
            if User.objects.filter(former_username=digest_username(user.username)).exists():
                raise taken
            return _open_session(user, device)
    except IntegrityError as error:
        raise taken from error


def log_in(*, username: str, password: str, device: Mapping[str, str] | None = None) -> Login:
    """Open a session. Raises Problem auth.bad_credentials or, for the right password only, auth.account_disabled."""
    with _turn_to_hash():  # before the first query: who waits holds no connection
        user = User.objects.filter(username=fold(username)).first()
        if user is None:
            make_password(password)  # the work of a check, so that time does not tell which names exist
        if user is None or not user.check_password(password):
            raise Problem("auth.bad_credentials")
    with transaction.atomic():
        user = _lock(user, otherwise="auth.bad_credentials")
        if not user.is_active:
            raise Problem("auth.account_disabled")
        user.sessions.filter(expires_at__lt=timezone.now() - KEEP_EXPIRED).delete()
        return _open_session(user, device)


def require_live(session: Session) -> None:
    """Called by every write after its locks: raises Problem auth.invalid_token or auth.account_disabled."""
    is_active = Session.objects.live().filter(pk=session.pk).values_list("user__is_active", flat=True).first()
    if is_active is None:
        raise Problem("auth.invalid_token")
    if not is_active:
        raise Problem("auth.account_disabled")


def log_out(*, session: Session) -> None:
    """End this session."""
    _end(Session.objects.filter(pk=session.pk))


def log_out_all(*, user: User) -> None:
    """End every session of the user, the one that asks included."""
    _end(user.sessions.all())


def end_session(*, user: User, session_id: UUID) -> None:
    """End one of the user's sessions. Raises Problem not_found."""
    if not _end(user.sessions.filter(pk=session_id)):
        raise Problem("not_found", "There is no such session.")


def change_password(*, session: Session, old: str, new: str) -> None:
    """Set a new password and end all other sessions. Raises Problem auth.wrong_password or request.invalid (new)."""
    user = _check_own_password(session.user, old)
    _check_new_password(new, user, "new")
    with _turn_to_hash():
        encoded = make_password(new)
    with transaction.atomic():
        user = _lock(user, otherwise="auth.wrong_password")
        require_live(session)
        user.password = encoded
        user.save(update_fields=["password"])
        _end(user.sessions.exclude(pk=session.pk))


def update_profile(*, session: Session, changes: Mapping[str, Any]) -> User:
    """Change display_name, avatar_url and metadata, as far as they are given."""
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=session.user.pk)
        require_live(session)
        if "display_name" in changes:
            user.display_name = changes["display_name"]
        if "avatar_url" in changes:
            user.avatar_url = changes["avatar_url"]
        if "metadata" in changes:
            user.metadata = changes["metadata"]
        user.save(update_fields=["display_name", "avatar_url", "metadata"])
    return user


def delete_account(*, session: Session, password: str) -> None:
    """Leave a tombstone of the user and end all sessions. Raises Problem auth.wrong_password."""
    user = _check_own_password(session.user, password)
    with transaction.atomic():
        # The listeners lock first: a sender holds its room's lock while its foreign key waits for our user's row.
        events.account_deleting(user)
        user = _lock(user, otherwise="auth.wrong_password")
        require_live(session)
        user.become_tombstone(timezone.now())
        user.save()
        _end(user.sessions.all())


def deactivate(*, user: User) -> None:
    """Shut an account out: it cannot log in, and all its sessions end."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        _end(user.sessions.all())


def _clean_username(username: str) -> str:
    folded = fold(username)
    if not USERNAME.fullmatch(folded):
        raise invalid("username", "invalid", "A username has 3 to 32 of the characters a-z 0-9 _ . -")
    if folded.startswith(TOMBSTONE_PREFIX) or is_reserved(folded):
        raise invalid("username", "reserved", "This username is reserved.")
    return folded


def _check_new_password(password: str, user: User, field: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        errors = [FieldError(field, each.code or "invalid", " ".join(each.messages)) for each in error.error_list]
        raise Problem("request.invalid", errors=errors) from error


def _check_own_password(user: User, password: str) -> User:
    with _turn_to_hash():
        if not user.check_password(password):
            raise Problem("auth.wrong_password")
    return user


@contextmanager
def _turn_to_hash() -> Iterator[None]:
    if not _hash_turns.acquire(blocking=False) and not _wait_for_turn():
        raise Problem("unavailable", "Too many passwords are being checked.")
    try:
        yield
    finally:
        _hash_turns.release()


def _wait_for_turn() -> bool:
    """Who waits holds no connection: a crowd that changes passwords must not keep the pool from everybody else."""
    if not _hash_queue.acquire(blocking=False):
        return False
    try:
        for used in connections.all(initialized_only=True):
            if not used.in_atomic_block:
                used.close()
        return _hash_turns.acquire(timeout=HASH_TURN_SECONDS)
    finally:
        _hash_queue.release()


def _lock(user: User, *, otherwise: str) -> User:
    """The user's row, locked, provided that the password which was checked before the lock is still the password."""
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if locked.password != user.password:
        raise Problem(otherwise)
    return locked


def _open_session(user: User, device: Mapping[str, str] | None) -> Login:
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    session = Session(user=user, token_hash=hash_token(token), created_at=now, **(device or {}))
    session.slide(now)
    session.save(force_insert=True)
    return Login(token, session)


def _end(sessions: QuerySet[Session]) -> int:
    """Delete the rows and tell after the commit; how many there were."""
    with transaction.atomic():
        ids = list(sessions.select_for_update().values_list("pk", flat=True))
        Session.objects.filter(pk__in=ids).delete()
        events.sessions_ended(ids)
    return len(ids)
