"""Looks up the session of a token, for REST and the socket."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import BinaryField
from django.db.models.expressions import BaseExpression
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.ended import ended_in_memory
from accounts.models import Session, User, idle_time
from wire.calls import identify
from wire.compiled_query import CompiledQuery, param
from wire.outages import is_outage
from wire.problems import Problem

logger = logging.getLogger(__name__)

TOUCH_EVERY = timedelta(minutes=1)  # a write for each request would be expensive, and nobody needs that precision

KNOWN_TOKENS = 10_000  # tokens whose users are kept in memory, about 2 MB
_users: dict[bytes, UUID] = {}

_by_token = CompiledQuery(
    lambda: Session.objects.select_related("user").filter(token_hash=param("token_hash", BinaryField()))
)


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of a token; the database has no other form of it."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def find_session(token: str) -> Session:
    """Return the live session of a token, with its user. It is read every time, so a revocation counts at once.

    Records the use at most once a minute. Raises Problem auth.invalid_token or auth.account_disabled.
    """
    session = next(iter(_by_token(token_hash=hash_token(token))), None)
    now = timezone.now()
    checked = _check(session, now)
    if isinstance(checked, Problem):
        raise checked
    if now - checked.last_used_at >= touch_every():
        _touch_if_writable(checked, now)
    _remember_user(token, checked)
    return checked


def user_of_token(token: str) -> UUID | None:
    """Return the user of a token at its last use in this process: for fair shares, never for access."""
    return _users.get(hash_token(token))


def _remember_user(token: str, session: Session) -> None:
    digest = hash_token(token)
    if digest not in _users:
        if len(_users) >= KNOWN_TOKENS:
            _users.clear()  # one atomic step, because any thread may do it; requests fill it again
        _users[digest] = session.user_id


def make_finder(**columns: BaseExpression) -> Callable[[Sequence[str]], list[Session | Problem]]:
    """Return a function that returns, for each token, its live session or the Problem that find_session would raise.

    It takes one query for all, which reads these columns besides. It records no use, because one row that cannot be
    written would fail all of them. realtime.sessions records the use of open sockets about once a minute.
    """
    rows = Session.objects.select_related("user").annotate(**columns)
    by_token = CompiledQuery(lambda: rows.filter(token_hash=param("token_hash", BinaryField())))

    def find(tokens: Sequence[str]) -> list[Session | Problem]:
        now, hashes = timezone.now(), [hash_token(token) for token in tokens]
        if len(hashes) == 1:
            sessions = by_token(token_hash=hashes[0])
        else:
            # The length is rounded up to a power of two: each length is a statement of its own for the database.
            repeated = hashes + hashes[-1:] * ((1 << (len(hashes) - 1).bit_length()) - len(hashes))
            sessions = list(rows.filter(token_hash__in=repeated))
        known = {bytes(session.token_hash): session for session in sessions}
        return [_check(known.get(each), now) for each in hashes]

    return find


find_sessions = make_finder()


def _check(session: Session | None, now: datetime) -> Session | Problem:
    if session is None or session.expires_at <= now or session.pk in ended_in_memory():
        return Problem("auth.invalid_token")
    if not session.user.is_active:
        return Problem("auth.account_disabled")
    return session


def touch_every() -> timedelta:
    """Return the shortest time between two records of a session's use; less if unused sessions expire soon."""
    return min(TOUCH_EVERY, idle_time() / 10)


def touch(session: Session, now: datetime) -> None:
    """Record a use, which postpones the expiry. The UPDATE cannot bring back a session that has just ended."""
    session.slide(now)
    Session.objects.filter(pk=session.pk).update(last_used_at=session.last_used_at, expires_at=session.expires_at)


def _touch_if_writable(session: Session, now: datetime) -> None:
    """Record a use, unless the database cannot be written: reads must still work then."""
    try:
        touch(session, now)
    except DatabaseError as error:
        if not is_outage(error):
            raise
        logger.warning("The use of a session could not be recorded (%r)", error)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>` (RFC 6750). request.user is the User, request.auth the Session."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Problem("auth.invalid_token", "Send: Authorization: Bearer <token>")
        session = find_session(token.strip())
        identify(session.pk, session.user_id)
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
