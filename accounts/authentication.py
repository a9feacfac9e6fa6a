"""Looks up the session of a token or a server key, for REST and the socket."""

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import unquote
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import Error as DatabaseError
from django.db.models import BinaryField
from django.db.models.expressions import BaseExpression
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.audit import Acting
from accounts.ended import ended_in_memory
from accounts.models import NEVER, KeyScope, ServerKey, Session, User, idle_time, is_external_id
from wire.calls import identify
from wire.compiled_query import CompiledQuery, param
from wire.fields import parse_uuid
from wire.operations import Operation
from wire.outages import is_outage, release_cursors
from wire.problems import Problem, define

logger = logging.getLogger(__name__)

TOUCH_EVERY = timedelta(minutes=1)  # a write for each request would be expensive, and nobody needs that precision

KEY_PREFIX = "prk_"  # secret scanners recognise a leaked key by it
ACT_AS = "Parley-Act-As"
ACT_AS_META = "HTTP_PARLEY_ACT_AS"
EXTERNAL = "external:"  # before an external id in Parley-Act-As, percent-encoded

define("key.in_browser", 403, "A server key must not be used in a browser.")

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
        _if_writable(lambda: touch(checked, now))
    _remember(token, checked.user_id)
    return checked


def user_of_token(token: str) -> UUID | None:
    """Return the user, or the admin's key, of a token at its last use in this process: for shares, never for access."""
    return _users.get(hash_token(token))


def _remember(token: str, account: UUID) -> None:
    digest = hash_token(token)
    if digest not in _users:
        if len(_users) >= KNOWN_TOKENS:
            _users.clear()  # one atomic step, because any thread may do it; requests fill it again
        _users[digest] = account


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
    ends_at = session.ends_at  # a fresh JWT may have postponed it since the session was read
    session.slide(now)
    times = {"last_used_at": session.last_used_at, "expires_at": session.expires_at}
    Session.objects.filter(pk=session.pk, ends_at=ends_at).update(**times)


def _if_writable(write: Callable[[], object]) -> None:
    """Record a use, unless the database cannot be written: reads must still work then."""
    try:
        write()
    except DatabaseError as error:
        if not is_outage(error):
            raise
        release_cursors(error)
        logger.warning("The use of a session or a key could not be recorded (%r)", error)


def find_key(token: str) -> ServerKey:
    """Return the server key of a token; it is read every time, so a revocation counts at once.

    Records the use at most once a minute. Raises Problem auth.invalid_token.
    """
    key = ServerKey.objects.filter(token_hash=hash_token(token)).first()
    now = timezone.now()
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        raise Problem("auth.invalid_token")
    if key.last_used_at is None or now - key.last_used_at >= TOUCH_EVERY:
        _if_writable(lambda: ServerKey.objects.filter(pk=key.pk).update(last_used_at=now))
    _remember(token, key.pk)
    return key


def refuse_in_browser(token: str, origin: str | bytes | None) -> None:
    """Raise Problem key.in_browser for a server key that comes with an Origin: a page that has it reveals it."""
    if origin and token.startswith(KEY_PREFIX):
        raise Problem("key.in_browser", "Keep the key on your own server, and give the browser a session.")


def _acting_session(token: str, acts_as: str) -> Session:
    """Return the session with which an admin's key acts as a user; the first time it is made.

    Raises Problem auth.invalid_token, auth.account_disabled, request.invalid or forbidden.
    """
    key = find_key(token)
    if key.scope != KeyScope.ADMIN:
        raise Problem("forbidden", "Only keys of scope admin act as users.")
    user = _find_user(acts_as)
    if not user.is_active:
        raise Problem("auth.account_disabled")
    staff = apps.all_models["staff"].get("staffmember")  # installed with ADMIN=1 only
    if staff is not None and staff._default_manager.filter(user=user).exists():
        raise Problem("forbidden", "No key acts as one of the staff.")
    session = Session.objects.filter(key=key, user=user).first()
    if session is None:
        now = timezone.now()
        times = {"created_at": now, "last_used_at": now, "ends_at": key.expires_at}
        hash_of_no_token = secrets.token_bytes(32)
        defaults = {"token_hash": hash_of_no_token, "expires_at": key.expires_at or NEVER, "name": key.name, **times}
        session, _ = Session.objects.get_or_create(key=key, user=user, defaults=defaults)
    session.user = user
    return session


def _find_user(acts_as: str) -> User:
    """Return the user that Parley-Act-As names. Raises Problem request.invalid or forbidden."""
    users = User.objects.filter(deleted_at=None)
    if acts_as.startswith(EXTERNAL):
        external_id = unquote(acts_as.removeprefix(EXTERNAL))
        user = users.filter(external__external_id=external_id).first() if is_external_id(external_id) else None
    elif user_id := parse_uuid(acts_as):
        user = users.filter(pk=user_id).first()
    else:
        raise Problem("request.invalid", f"{ACT_AS} is the id of a user, or external: and an external id.")
    if user is None:
        raise Problem("forbidden", f"There is no user as {ACT_AS} names.")
    return user


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>` (RFC 6750). request.user is the User, request.auth the Session."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        token = bearer_token(request)
        if token is None:
            return None
        if token.startswith(KEY_PREFIX):
            session = _authenticate_key(request, token)
        elif ACT_AS_META in request.META:
            raise Problem("forbidden", f"{ACT_AS} needs a server key of scope admin.")
        else:
            session = find_session(token)
        identify(session.pk, session.user_id)
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class KeyAuthentication(BaseAuthentication):
    """A server key of scope admin as a bearer token. request.auth is the ServerKey, and there is no user."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ServerKey] | None:
        token = bearer_token(request)
        if token is None:
            return None
        if not token.startswith(KEY_PREFIX):
            find_session(token)
            raise Problem("forbidden", "This needs a server key of scope admin.")
        refuse_in_browser(token, request.META.get("HTTP_ORIGIN"))
        key = find_key(token)
        if key.scope != KeyScope.ADMIN:
            raise Problem("forbidden", "This needs a server key of scope admin.")
        if ACT_AS_META in request.META:
            raise Problem("forbidden", f"Nobody acts as a user here: leave {ACT_AS} out.")
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class NoKey(BasePermission):
    """Refuses server keys where no token is needed: these calls are for devices. No other token is looked up."""

    def has_permission(self, request: Request, view: Any) -> bool:
        token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[2].strip()
        if token.startswith(KEY_PREFIX) and _operation_of(request) is not None:
            refuse_in_browser(token, request.META.get("HTTP_ORIGIN"))
            _refuse_key(token)
        return True


def bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header, or None without one. Raises Problem auth.invalid_token."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("auth.invalid_token", "Send: Authorization: Bearer <token>")
    found: str = token.strip()
    return found


def _authenticate_key(request: Request, token: str) -> Session:
    """Return the session of a bot's key, or that with which an admin's key acts as a user."""
    refuse_in_browser(token, request.META.get("HTTP_ORIGIN"))
    operation, acts_as = _operation_of(request), request.META.get(ACT_AS_META)
    if operation is not None and operation.for_devices:
        _refuse_key(token)
    if acts_as is None:
        try:
            return find_session(token)
        except Problem:
            if find_key(token).scope == KeyScope.ADMIN:
                raise Problem("forbidden", f"A key of scope admin calls this as a user: send {ACT_AS}.") from None
            raise
    session = _acting_session(token, acts_as)
    if operation is None:
        return session
    ids = request.parser_context["view"].kwargs
    named = next((name for name in ("message_id", "room_id") if name in ids), None)
    target = (named.removesuffix("_id"), ids[named]) if named else ("user", session.user_id)
    assert session.key_id is not None
    session.acting = Acting(session.key_id, operation.name, target, ids.get("room_id"))
    return session


def _refuse_key(token: str) -> NoReturn:
    """Raise Problem forbidden for a key that exists, else auth.invalid_token."""
    find_key(token)
    raise Problem("forbidden", "This is for the sessions of devices, not for server keys.")


def _operation_of(request: Request) -> Operation | None:
    """Return the operation that the request calls, or None for a method that is not allowed."""
    method = getattr(request.parser_context["view"], (request.method or "").lower(), None)
    return getattr(method, "operation", None)
