"""The look-up from a token to a session that REST and the socket share."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import BinaryField
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.ended import ended_in_memory
from accounts.models import Session, User, idle_time
from wire.compiled_query import CompiledQuery, param
from wire.outages import is_outage
from wire.problems import Problem

logger = logging.getLogger(__name__)

TOUCH_EVERY = timedelta(minutes=1)  # a write for each request would cost more than the precision is worth

KNOWN_TOKENS = 10_000  # whose users are kept in memory, about 2 MB
_users: dict[bytes, UUID] = {}

_by_token = CompiledQuery(
    lambda: Session.objects.select_related("user").filter(token_hash=param("token_hash", BinaryField()))
)


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of a token, the only form of it in the database."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def find_session(token: str) -> Session:
    """The live session of a token, with its user: one query, so that a revocation counts at once.

    Notes the use at most once a minute. Raises Problem auth.invalid_token or auth.account_disabled.
    """
    session = next(iter(_by_token(token_hash=hash_token(token))), None)
    now = timezone.now()
    judged = _judge(session, now)
    if isinstance(judged, Problem):
        raise judged
    if now - judged.last_used_at >= touch_every():
        _touch_if_possible(judged, now)
    _note_user(token, judged)
    return judged


def user_of_token(token: str) -> UUID | None:
    """The user that the token belonged to when it was last used here: for fair shares, never for a decision."""
    return _users.get(hash_token(token))


def _note_user(token: str, session: Session) -> None:
    digest = hash_token(token)
    if digest not in _users:
        if len(_users) >= KNOWN_TOKENS:
            _users.clear()  # from any thread, so in one step; each request fills it again
        _users[digest] = session.user_id


def find_sessions(tokens: Sequence[str]) -> list[Session | Problem]:
    """The bulk twin of find_session: for each token its session, or why there is none; all in one query.

    Notes no use: one row that cannot be written would refuse them all. Who keeps the sockets that were opened notes
    theirs about once a minute (realtime.sessions).
    """
    now = timezone.now()
    hashes = [hash_token(token) for token in tokens]
    sessions = Session.objects.select_related("user").filter(token_hash__in=hashes)
    known = {bytes(session.token_hash): session for session in sessions}
    return [_judge(known.get(each), now) for each in hashes]


def _judge(session: Session | None, now: datetime) -> Session | Problem:
    if session is None or session.expires_at <= now or session.pk in ended_in_memory():
        return Problem("auth.invalid_token")
    if not session.user.is_active:
        return Problem("auth.account_disabled")
    return session


def touch_every() -> timedelta:
    """The shortest time between two notes of a session's use; less where unused sessions do not live long."""
    return min(TOUCH_EVERY, idle_time() / 10)


def touch(session: Session, now: datetime) -> None:
    """Slide the expiry. An update of the row alone: it cannot bring a session back that has just ended."""
    session.slide(now)
    Session.objects.filter(pk=session.pk).update(last_used_at=session.last_used_at, expires_at=session.expires_at)


def _touch_if_possible(session: Session, now: datetime) -> None:
    """Note the use, unless the database cannot be written: reading goes on then."""
    try:
        touch(session, now)
    except DatabaseError as error:
        if not is_outage(error):
            raise
        logger.warning("The use of a session could not be noted (%r)", error)


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
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
