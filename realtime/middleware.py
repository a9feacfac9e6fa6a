"""Authentication of a websocket: a token from a header or a subprotocol, or a first frame later."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.contrib.auth.models import AnonymousUser

from accounts.authentication import refuse_in_browser
from accounts.models import Session
from realtime import admission
from realtime.close_codes import CloseCode
from realtime.process import get_hub
from wire.asgi import render_problem
from wire.client_address import client_address
from wire.limits import HELD_SECONDS, REFUSED_HANDSHAKE, is_limit, too_many_handshakes
from wire.origins import is_allowed, is_own, log_rejection
from wire.problems import Problem, to_problem
from wire.request_ids import checked_request_id

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

PROTOCOL = "chat.v1"
BEARER = "bearer."
LOOK_UP_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason to close a socket as soon as it is open: a browser could not read an HTTP 403."""

    code: CloseCode
    reason: str
    problem: Problem
    retry_after_ms: int | None = None


class TokenMiddleware:
    """Always sets scope["user"], scope["session"], scope["epoch"] and scope["refusal"]: permissions may rely on it."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        known: dict[str, Any] = {"user": AnonymousUser(), "session": None, "epoch": None, "refusal": None}
        if (problem := too_many_handshakes(client_address(scope))) is not None:
            await _deny(scope, problem, send)
            return
        try:
            admission.admit(scope)
            _check_origin(scope)
            token = _token(scope)
            if token is not None:
                refuse_in_browser(token, dict(scope.get("headers", [])).get(b"origin"))
                session, epoch = await _look_up(token)
                known |= {"user": session.user, "session": session, "epoch": epoch}
        except Exception as error:
            known["refusal"] = refused = refusal(error)
            _count(scope, refused)
        with admission.open_socket(scope):
            await self.inner({**scope, **known}, receive, send)


def _count(scope: Scope, refused: Refusal) -> None:
    address = client_address(scope)
    if refused.code is CloseCode.RATE_LIMITED and address is not None:
        with suppress(Problem):
            REFUSED_HANDSHAKE.take(address)
    elif not refused.problem.retryable and refused.code is not CloseCode.ORIGIN_NOT_ALLOWED:
        # A foreign page that a browser shows must not use up the handshakes of its user.
        admission.count_failure(scope)


async def _deny(scope: Scope, problem: Problem, send: Any) -> None:
    """Refuse a handshake in HTTP: a socket that opens and closes would cost five times as much."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    await asyncio.sleep(HELD_SECONDS)
    given = dict(scope.get("headers", []))
    request_id = checked_request_id(given.get(b"x-request-id", b"").decode("latin-1"))
    headers, body = render_problem(problem, request_id, None)
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _look_up(token: str) -> tuple[Session, int]:
    """Look the token up within the time that the server gives a handshake, also when the database is frozen."""
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            return await get_hub().sessions.find(token)
    except TimeoutError as error:
        raise Problem("unavailable") from error


def refusal(error: Exception) -> Refusal:
    """The close for a problem of authentication."""
    if isinstance(error, Refused):
        return error.refusal
    if isinstance(error, admission.Overloaded):
        problem = Problem("unavailable", retry_after_ms=error.retry_after_ms)
        return Refusal(CloseCode.TRY_AGAIN_LATER, "overloaded", problem, error.retry_after_ms)
    problem = to_problem(error)
    if is_limit(problem):
        return Refusal(CloseCode.RATE_LIMITED, "rate_limited", problem, problem.retry_after_ms)
    codes = {
        "auth.account_disabled": (CloseCode.ACCOUNT_DISABLED, "account_disabled"),
        "unavailable": (CloseCode.TRY_AGAIN_LATER, "unavailable"),
        "internal": (CloseCode.INTERNAL, "internal"),
    }
    return Refusal(*codes.get(problem.code, (CloseCode.UNAUTHENTICATED, "unauthenticated")), problem)


class Refused(Exception):
    """A refusal that is not about a token."""

    def __init__(self, code: CloseCode, reason: str, problem: Problem) -> None:
        super().__init__(reason)
        self.refusal = Refusal(code, reason, problem)


def _token(scope: Scope) -> str | None:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if "token" in query or "access_token" in query:
        # Every proxy on the way would log it.
        raise Refused(
            CloseCode.UNAUTHENTICATED,
            "token_in_url",
            Problem("auth.invalid_token", "A token does not belong in a URL."),
        )
    offered = scope.get("subprotocols", [])
    if offered and PROTOCOL not in offered:
        problem = Problem("request.invalid", f"Offer the subprotocol {PROTOCOL}, or none.")
        raise Refused(CloseCode.SUBPROTOCOL, "protocol", problem)
    for name, value in scope.get("headers", []):
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise Problem("auth.invalid_token", "Send Authorization: Bearer <token>.")
            return str(token.strip())
    tokens = [name.removeprefix(BEARER) for name in offered if name.startswith(BEARER)]
    return tokens[0] if tokens else None


def _check_origin(scope: Scope) -> None:
    """Reject the Origin of a browser unless it is this host's or CORS allows it; apps send none."""
    headers = dict(scope.get("headers", []))
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin or is_allowed(origin) or is_own(origin, headers.get(b"host", b"").decode("latin-1")):
        return
    log_rejection(origin)
    detail = "This Origin is not allowed: the operator of the server lists origins in CORS_ALLOWED_ORIGINS."
    raise Refused(CloseCode.ORIGIN_NOT_ALLOWED, "origin_not_allowed", Problem("forbidden", detail))
