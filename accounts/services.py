"""Every write of accounts: register, log in and out, end sessions, change the password and the profile, delete."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
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

from accounts import passwords, reserve, signals
from accounts.authentication import hash_token
from accounts.ended import end_in_memory, ended_in_memory
from accounts.models import TOMBSTONE_PREFIX, USERNAME, Session, User, digest_username, fold, is_reserved
from accounts.passwords import Attempt, turns
from wire.outages import is_outage
from wire.problems import FieldError, Problem, define, invalid

T = TypeVar("T")
logger = logging.getLogger(__name__)

TOKEN_PREFIX = "prl_"  # lets secret scanners recognise a leaked token
PURGE_BATCH = 200  # sessions of one transaction
KEEP_EXPIRED = timedelta(days=1)  # so that a live socket can still tell "expired" from "revoked"

define("auth.bad_credentials", 401, "The username or the password is wrong.")
define("auth.wrong_password", 403, "The password is wrong.")
define("auth.username_taken", 409, "The username is taken.")


class Login(NamedTuple):
    """A new session and its token, which is shown this once."""

    token: str
    session: Session


def register(
    *,
    username: str,
    password: str,
    display_name: str = "",
    device: Mapping[str, str] | None = None,
    address: str | None = None,
) -> Login:
    """Make an account and log it in. Raises Problem request.invalid (username, password) or auth.username_taken."""
    user = User(username=_clean_username(username))
    user.display_name = display_name or user.username
    _check_new_password(password, user, "password")
    attempt = Attempt("register", user.username, address)
    with turns.turn(attempt):
        user.password = passwords.encode(password)
    taken = Problem("auth.username_taken", errors=[FieldError("username", "taken", "This username is taken.")])
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            # After the insert: it waits for a deletion that is giving the name up at this moment.
            if User.objects.filter(former_username=digest_username(user.username)).exists():
                raise taken
            login = _open_session(user, device)
    except IntegrityError as error:
        raise taken from error
    attempt.succeeded()
    return login


def log_in(
    *, username: str, password: str, device: Mapping[str, str] | None = None, address: str | None = None
) -> Login:
    """Open a session. Raises Problem auth.bad_credentials, limit.login after too many of those from this address or,
    for the right password only, auth.account_disabled."""
    account = fold(username)
    attempt = Attempt("login", account, address, exists=User.objects.filter(username=account).exists())
    attempt.check()
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
        user.sessions.filter(expires_at__lt=timezone.now() - KEEP_EXPIRED).delete()
        login = _open_session(user, device)
    attempt.succeeded()
    return login


def require_live(session: Session) -> None:
    """Called by every write after its locks: raises Problem auth.invalid_token or auth.account_disabled."""
    is_active = Session.objects.live().filter(pk=session.pk).values_list("user__is_active", flat=True).first()
    if is_active is None:
        raise Problem("auth.invalid_token")
    if not is_active:
        raise Problem("auth.account_disabled")


class Ended(NamedTuple):
    """The number of ended sessions; `is_stored` is false while only the memory of this process has it."""

    sessions: int
    is_stored: bool


def log_out(*, session: Session) -> Ended:
    """End this session."""
    return _end_in_any_case(Session.objects.filter(pk=session.pk))


def log_out_all(*, user: User) -> Ended:
    """End every session of the user, the one that asks included."""
    return _end_in_any_case(user.sessions.all())


def end_session(*, user: User, session_id: UUID) -> Ended:
    """End one of the user's sessions. Raises Problem not_found."""
    ended = _end_in_any_case(user.sessions.filter(pk=session_id).exclude(pk__in=ended_in_memory()))
    if not ended.sessions:
        raise Problem("not_found", "There is no such session.")
    return ended


def change_password(*, session: Session, old: str, new: str) -> None:
    """Set a new password and end all other sessions. Raises Problem auth.wrong_password, limit.login
    after too many of those, or request.invalid (new)."""
    user = _check_own_password(session.user, old)
    _check_new_password(new, user, "new")
    with turns.turn(Attempt("session", user.username)):
        encoded = passwords.encode(new)
    _take_away(partial(_set_password, session, user, encoded))


def _set_password(session: Session, user: User, encoded: str) -> None:
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
    """Leave a tombstone of the user and end all sessions; listeners do the rest in the background.

    Raises Problem auth.wrong_password or limit.login.
    """
    user = _check_own_password(session.user, password)
    with transaction.atomic():
        # The listeners lock first: a new member's inbox is locked while its foreign key waits for our user's row.
        signals.account_deleting.send(sender=User, user=user)
        user = _lock(user, otherwise="auth.wrong_password")
        require_live(session)
        user.become_tombstone(timezone.now())
        user.save()
        _end(user.sessions.all())


def deactivate(*, user: User) -> None:
    """Shut an account out: it cannot log in, and all its sessions end."""
    _take_away(partial(_deactivate, user))


def _deactivate(user: User) -> None:
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        _end(user.sessions.all())
        signals.account_deactivated.send(sender=User, user=user)


def reactivate(*, user: User) -> bool:
    """Let a deactivated account log in again; False for a deleted one, which stays as it is."""
    return bool(User.objects.filter(pk=user.pk, deleted_at=None).update(is_active=True))


def purge_sessions() -> int:
    """Delete some sessions that expired more than a day ago, at most PURGE_BATCH; how many."""
    expired = Session.objects.filter(expires_at__lt=timezone.now() - KEEP_EXPIRED).order_by("expires_at", "pk")
    with transaction.atomic():
        # Those that another process deletes at this moment are passed over.
        ids = list(expired.select_for_update(skip_locked=True).values_list("pk", flat=True)[:PURGE_BATCH])
        Session.objects.filter(pk__in=ids).delete()
    return len(ids)


def _clean_username(username: str) -> str:
    folded = fold(username)
    if not USERNAME.fullmatch(folded):
        raise invalid("username", "invalid", "A username has 3 to 32 of the characters a-z 0-9 _ . -")
    if folded.startswith(TOMBSTONE_PREFIX) or is_reserved(folded):
        raise invalid("username", "reserved", "This username is reserved.")
    return folded


def _check_new_password(password: str, user: User, field: str) -> None:
    try:
        validate_password(normalize("NFC", password), user)
    except ValidationError as error:
        errors = [FieldError(field, each.code or "invalid", " ".join(each.messages)) for each in error.error_list]
        raise Problem("request.invalid", errors=errors) from error


def _check_own_password(user: User, password: str) -> User:
    attempt = Attempt("session", user.username)
    attempt.check()
    with turns.turn(attempt):
        verdict = passwords.verify(password, user.password)
    if not verdict.is_right:
        attempt.failed()
        raise Problem("auth.wrong_password")
    attempt.succeeded()
    return user


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


def _take_away(write: Callable[[], T]) -> T:
    """Run a transaction that takes access away; on a full disk once more, with the space that is kept for it."""
    try:
        return write()
    except OperationalError as error:
        if not reserve.helps(error):
            raise
    try:
        with transaction.atomic():  # holds SQLite's one write lock: nobody else uses the space first
            reserve.spend()
            return write()
    finally:
        reserve.fill()


def _end_in_any_case(sessions: QuerySet[Session]) -> Ended:
    """End sessions in the database or, while it can be read and not written, in memory."""
    try:
        return Ended(_take_away(partial(_end, sessions)), is_stored=True)
    except DatabaseError as error:
        if not is_outage(error):
            raise
        logger.warning("Sessions are ended in memory until the database can be written (%r)", error)
    ids = list(sessions.values_list("pk", flat=True))
    end_in_memory(ids)
    signals.send_sessions_ended(ids)
    return Ended(len(ids), is_stored=False)


def _end(sessions: QuerySet[Session]) -> int:
    """Delete the rows and tell after the commit; how many there were."""
    with transaction.atomic():
        ids = list(sessions.select_for_update().values_list("pk", flat=True))
        Session.objects.filter(pk__in=ids).delete()
        signals.send_sessions_ended(ids)
    return len(ids)
