"""The writes of accounts: register, log in and out, end sessions, change the password and the profile, delete."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar
from unicodedata import normalize
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import emails, passwords, reserve, signals
from accounts.authentication import hash_token
from accounts.ended import end_in_memory, ended_in_memory
from accounts.models import EmailAddress, ExternalIdentity, KeyScope, ServerKey, Session, User, UserKind, fold
from accounts.passwords import Attempt, turns
from accounts.usernames import clean_username, hold, refuse_held, username_taken
from wire.outages import is_lock_timeout, is_outage, release_cursors
from wire.problems import FieldError, Problem, define, invalid

T = TypeVar("T")
logger = logging.getLogger(__name__)

TOKEN_PREFIX = "prl_"  # secret scanners recognise a leaked token by it
PURGE_BATCH = 200  # sessions in one transaction
PROFILE = ("display_name", "avatar_url", "metadata")  # changed as they are
MAX_SESSIONS = 100  # of a user; one more ends the session that was used least recently
KEEP_EXPIRED = timedelta(days=1)  # so that an open socket can still distinguish "expired" from "revoked"

define("auth.bad_credentials", 401, "The username or the password is wrong.")
define("auth.wrong_password", 403, "The password is wrong.")


class Login(NamedTuple):
    """A new session and its token, which is not stored."""

    token: str
    session: Session


def register(
    *,
    username: str,
    password: str,
    display_name: str = "",
    email: str | None = None,
    device: Mapping[str, str] | None = None,
    address: str | None = None,
) -> Login:
    """Create an account and log in.

    Raises Problem request.invalid (username, password), auth.username_taken, or with an email as emails.set_email.
    """
    user = User(username=clean_username(username))
    user.display_name = display_name or user.username
    check_new_password(password, user, "password")
    if email is not None:
        emails.require_mail()
    attempt = Attempt("register", user.username, address)
    attempt.begin()
    with turns.turn(attempt):
        user.password = passwords.encode(password)
    with transaction.atomic():
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            raise username_taken() from error
        refuse_held(user)
        if email is not None:
            emails.set_email(user, email)
        login = open_session(user, device)
    attempt.succeeded()
    return login


def log_in(
    *, username: str, password: str, device: Mapping[str, str] | None = None, address: str | None = None
) -> Login:
    """Open a session.

    Raises Problem auth.bad_credentials, limit.login after too many of those, or auth.account_disabled (only for the
    right password).
    """
    account = fold(username)
    attempt = Attempt("login", account, address, exists=User.objects.filter(username=account).exists())
    attempt.begin()
    with turns.turn(attempt):
        user = User.objects.filter(username=attempt.account).first()
        verdict = passwords.verify(password, user.password if user else None)
        if user is None or not verdict.is_right:
            attempt.failed()
            raise Problem("auth.bad_credentials")
        encoded = passwords.encode(password) if verdict.is_outdated else None
    with transaction.atomic():
        user = _lock(user, otherwise="auth.bad_credentials")
        if not user.is_active:
            raise Problem("auth.account_disabled")
        if encoded is not None:
            user.password = encoded
            user.save(update_fields=["password"])
        user.sessions.of_devices().filter(expires_at__lt=timezone.now() - KEEP_EXPIRED).delete()
        login = open_session(user, device)
    attempt.succeeded()
    return login


def require_live(session: Session) -> None:
    """Raise Problem auth.invalid_token or auth.account_disabled. Every write calls this after it has its locks.

    Except a send: its judging statement reads the session. The write of a server key that acts as the user is recorded
    in the audit.
    """
    is_active = Session.objects.live().filter(pk=session.pk).values_list("user__is_active", flat=True).first()
    if is_active is None:
        raise Problem("auth.invalid_token")
    if not is_active:
        raise Problem("auth.account_disabled")
    if session.acting is not None:
        session.acting.record(session.user_id)


class EndedSessions(NamedTuple):
    """The number of ended sessions; `is_stored` is false while their end is only in the memory of this process."""

    number: int
    is_stored: bool


def log_out(*, session: Session) -> EndedSessions:
    """End this session."""
    return _end_sessions(Session.objects.filter(pk=session.pk))


def log_out_all(*, user: User) -> EndedSessions:
    """End every session of the user, including the one of the request."""
    return _end_sessions(user.sessions.of_devices())


def end_session(*, user: User, session_id: UUID) -> EndedSessions:
    """End one of the user's sessions. Raises Problem not_found."""
    ended = _end_sessions(user.sessions.of_devices().filter(pk=session_id).exclude(pk__in=ended_in_memory()))
    if not ended.number:
        raise Problem("not_found", "There is no such session.")
    return ended


def change_password(*, session: Session, old: str, new: str) -> None:
    """Set a new password and end all other sessions.

    Raises Problem auth.wrong_password, limit.login after too many of those, or request.invalid (new).
    """
    user = _check_own_password(session.user, old)
    check_new_password(new, user, "new")
    with turns.turn(Attempt("session", user.username)):
        encoded = passwords.encode(new)
    revoke(partial(_set_password, session, user, encoded))


def _set_password(session: Session, user: User, encoded: str) -> None:
    with transaction.atomic():
        user = _lock(user, otherwise="auth.wrong_password")
        require_live(session)
        user.password = encoded
        user.save(update_fields=["password"])
        delete_sessions(user.sessions.of_devices().exclude(pk=session.pk))


def update_profile(
    *,
    session: Session,
    changes: Mapping[str, Any],
    within: Callable[[], AbstractContextManager[object]] = transaction.atomic,
) -> User:
    """Change those of username, display_name, avatar_url, metadata and email that are given.

    `within` opens the transaction. Another email needs the `password` too.
    Raises Problem auth.username_taken, username.limit, request.invalid
    (username, password), auth.wrong_password, limit.login, or for an email as emails.set_email.
    """
    changes = dict(changes)
    password: str | None = changes.pop("password", None)
    known = EmailAddress.objects.filter(user=session.user).values_list("address", flat=True)
    changes_email = "email" in changes and changes["email"] != known.first()
    if changes_email:
        # A stolen session could otherwise take over the account by a password reset.
        if password is None:
            raise invalid("password", "required", "Give the password to change the e-mail address.")
        _check_own_password(session.user, password)
    with within():
        user = User.objects.select_for_update(no_key=True).get(pk=session.user.pk)
        require_live(session)
        if changes_email:
            if user.password != session.user.password:
                raise Problem("auth.wrong_password")
            emails.set_email(user, changes["email"])
        fields = {name: value for name, value in changes.items() if name in PROFILE}
        for name, value in fields.items():
            setattr(user, name, value)
        if fields:
            user.save(update_fields=list(fields))
        if "username" in changes:
            rename(user, clean_username(changes["username"]))
    return user


def rename(user: User, username: str) -> None:
    """Take another username and hold the former one, within the caller's transaction, which has locked the user's row.

    Raises Problem auth.username_taken or username.limit.
    """
    former = user.username
    if username == former:
        return
    user.username = username
    try:
        with transaction.atomic():
            user.save(update_fields=["username"])
    except IntegrityError as error:
        raise username_taken() from error
    refuse_held(user)
    hold(user, former)


def delete_account(*, session: Session, password: str) -> None:
    """Turn the user into a tombstone and end all sessions; listeners do the rest in the background.

    Raises Problem auth.wrong_password or limit.login.
    """
    user = _check_own_password(session.user, password)
    with transaction.atomic():
        # The listeners lock first: a transaction that adds this user to a room locks the inbox before the user's row.
        signals.account_deleting.send(sender=User, user=user)
        user = _lock(user, otherwise="auth.wrong_password")
        require_live(session)
        make_tombstone(user)


def make_tombstone(user: User) -> None:
    """Erase what the account has of its own, and end its sessions. The caller has locked the user's row."""
    now = timezone.now()
    user.become_tombstone(now)
    user.save()
    emails.delete_email(user)
    for identity in ExternalIdentity.objects.filter(user=user):
        identity.become_former(now)
        identity.save()
    delete_sessions(user.sessions.all())
    if user.kind == UserKind.BOT:
        ServerKey.objects.filter(scope=KeyScope.BOT, sessions=None).delete()


def purge_sessions() -> int:
    """Delete up to PURGE_BATCH sessions that expired more than a day ago. Returns their number."""
    expired = Session.objects.filter(expires_at__lt=timezone.now() - KEEP_EXPIRED).order_by("expires_at", "pk")
    with transaction.atomic():
        # Sessions that another process is deleting are skipped.
        ids = list(expired.select_for_update(skip_locked=True).values_list("pk", flat=True)[:PURGE_BATCH])
        Session.objects.filter(pk__in=ids).delete()
    return len(ids)


def check_new_password(password: str, user: User, field: str) -> None:
    """Raise Problem request.invalid with the reasons for which this is no good new password of the user."""
    try:
        validate_password(normalize("NFC", password), user)
    except ValidationError as error:
        errors = [FieldError(field, each.code or "invalid", " ".join(each.messages)) for each in error.error_list]
        raise Problem("request.invalid", errors=errors) from error


def _check_own_password(user: User, password: str) -> User:
    attempt = Attempt("session", user.username)
    attempt.begin()
    with turns.turn(attempt):
        verdict = passwords.verify(password, user.password)
    if not verdict.is_right:
        attempt.failed()
        raise Problem("auth.wrong_password")
    attempt.succeeded()
    return user


def _lock(user: User, *, otherwise: str) -> User:
    """Lock the user's row. Raises Problem `otherwise` if the password has changed since it was checked."""
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if locked.password != user.password:
        raise Problem(otherwise)
    return locked


def open_session(user: User, device: Mapping[str, str] | None, ends_at: datetime | None = None) -> Login:
    """Open a session within the caller's transaction; without `ends_at` its use alone decides how long it lives."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    session = Session(user=user, token_hash=hash_token(token), created_at=now, ends_at=ends_at, **(device or {}))
    session.slide(now)
    session.save(force_insert=True)
    surplus = list(
        user.sessions.of_devices().order_by("-last_used_at", "-pk").values_list("pk", flat=True)[MAX_SESSIONS:]
    )
    if surplus:
        delete_sessions(user.sessions.filter(pk__in=surplus))
    return Login(token, session)


def revoke(write: Callable[[], T]) -> T:
    """Run a transaction that revokes access. On a full disk, run it again with the reserved space."""
    try:
        return write()
    except OperationalError as error:
        if not reserve.is_disk_full(error):
            raise
        release_cursors(error)
    try:
        with transaction.atomic():  # holds SQLite's only write lock, so nobody else can use the space
            reserve.release()
            return write()
    finally:
        reserve.fill()


def _end_sessions(sessions: QuerySet[Session]) -> EndedSessions:
    """End sessions in the database, or in memory while the database can be read but not written."""
    try:
        return EndedSessions(revoke(partial(delete_sessions, sessions)), is_stored=True)
    except DatabaseError as error:
        # A lock is no reason: other processes would let the sessions in, and the client may retry.
        if not is_outage(error) or is_lock_timeout(error):
            raise
        release_cursors(error)
        logger.warning("Ended sessions are only in memory until the database can be written (%r)", error)
    ids = list(sessions.values_list("pk", flat=True))
    end_in_memory(ids)
    signals.send_sessions_ended(ids)
    return EndedSessions(len(ids), is_stored=False)


def delete_sessions(sessions: QuerySet[Session]) -> int:
    """Delete sessions and notify listeners after the commit. Returns the number of sessions."""
    with transaction.atomic():
        ids = list(sessions.select_for_update().values_list("pk", flat=True))
        Session.objects.filter(pk__in=ids).delete()
        signals.send_sessions_ended(ids)
    return len(ids)
