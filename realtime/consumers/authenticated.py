"""Authentication of a socket: hello, the token in the first frame or a fresh one later, and the end of a session."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import exchange
from accounts.authentication import refuse_in_browser
from accounts.claims import accepts_jwts, looks_like_jwt
from accounts.models import Session
from accounts.serializers import SessionSerializer, UserSerializer
from accounts.services import MAX_SESSIONS
from api.serializers.messages import BATCH, HISTORY_PAGE_MAX
from api.services.members import MAX_ROOMS
from realtime import admission
from realtime.close_codes import CloseCode
from realtime.consumers.actions import Reply, action, require_session
from realtime.consumers.base import ActionConsumer
from realtime.consumers.frames import Request
from realtime.database import in_database
from realtime.ephemeral import TYPING_EXPIRE_MS, TYPING_RESEND_MS, ephemeral_event
from realtime.limits import (
    AUTH_SECONDS,
    MAX_INBOUND_FRAME_BYTES,
    MAX_REPLAY_EVENTS,
    MAX_SOCKETS_OF_ADDRESS,
    MAX_SOCKETS_OF_SESSION,
    MAX_SOCKETS_OF_USER,
    PING_INTERVAL_SECONDS,
    SOCKETS_RETRY_MS,
    UNAUTHENTICATED_CLOSE_SECONDS,
)
from realtime.metrics import SOCKETS_OPENED
from realtime.middleware import PROTOCOL, refusal
from realtime.operations import AUTHENTICATE, PING
from realtime.presence.states import Activity
from realtime.process import get_hub
from wire import rates
from wire.fields import METADATA_BYTES, TEXT_BYTES, TEXT_CHARS, format_time, render
from wire.problems import REFUSALS, Problem

SOCKETS = {"session": MAX_SOCKETS_OF_SESSION, "user": MAX_SOCKETS_OF_USER, "address": MAX_SOCKETS_OF_ADDRESS}


class AuthenticatedConsumer(ActionConsumer):
    """A socket that belongs to a session."""

    activity = Activity.ACTIVE  # with which it begins

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hub = get_hub()
        self.session: Session | None = None
        self.warned_of_expiry_at: datetime | None = None
        self.deadline: asyncio.TimerHandle | None = None
        self.is_concurrent = False

    @property
    def heartbeat_seconds(self) -> float:
        """The interval of the server's signs of life."""
        return float(getattr(settings, "WS_PING_INTERVAL_SECONDS", PING_INTERVAL_SECONDS))

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Accept the socket; then reject it, send hello, or wait for the token."""
        self.close_timeout = UNAUTHENTICATED_CLOSE_SECONDS
        subprotocol = PROTOCOL if PROTOCOL in self.scope["subprotocols"] else None
        await self.base_send({"type": "websocket.accept", "subprotocol": subprotocol})
        SOCKETS_OPENED.value += 1
        refused = self.scope["refusal"]
        if refused is not None:
            REFUSALS.add(refused.problem.code)
            self.push_problem(refused.problem)
            self.end(refused.code, refused.reason, retry_after_ms=refused.retry_after_ms)
        elif self.scope["session"] is not None:
            self.bind(self.scope["session"], self.scope["epoch"])
        else:
            self.deadline = asyncio.get_running_loop().call_later(AUTH_SECONDS, self.expire)

    def expire(self) -> None:
        """Close a socket that has not authenticated in time."""
        admission.count_failure(self.scope)
        self.end(CloseCode.AUTH_TIMEOUT, "auth_timeout")

    def push_problem(self, problem: Problem) -> None:
        """Hook for subclasses: report an error that is no reply to a frame. Here the goodbye is enough."""

    def bind(self, session: Session, epoch: int) -> None:
        """Bind the socket to the session, unless the session ended while the token was looked up."""
        if self.closing:
            return
        if self.deadline is not None:
            self.deadline.cancel()
        if self.session is not None:
            self.hub.sessions.discard(self, self.session)
        is_first = self.session is None
        if is_first and self.hub.sessions.reached_bound(session):
            REFUSALS.add("limit.sockets")
            self.end(CloseCode.RATE_LIMITED, "rate_limited", retry_after_ms=SOCKETS_RETRY_MS)
            return
        self.session = session
        self.connection.session_id, self.connection.user_id = session.pk, session.user_id
        self.close_timeout = None
        self.scope["user"], self.scope["session"] = session.user, session
        self.hub.sessions.add(self, session)
        self.hub.presence.enter(self, session.pk, session.user_id, self.activity)
        if is_first:
            self.push_hello(session, epoch)

    def push_hello(self, session: Session, epoch: int) -> None:
        """Send the first push: all the numbers that a client would otherwise hard-code."""
        hello = {
            "protocol": PROTOCOL,
            "connection_id": self.connection.connection_id,
            **identity(session),
            "server_time": format_time(timezone.now()),
            "epoch": epoch,
            "heartbeat": {"interval_ms": int(self.heartbeat_seconds * 1000)},
            "limits": {
                "frame_bytes": MAX_INBOUND_FRAME_BYTES,
                "text_chars": TEXT_CHARS,
                "text_bytes": TEXT_BYTES,
                "metadata_bytes": METADATA_BYTES,
                "rooms": MAX_ROOMS,
                "page": HISTORY_PAGE_MAX,
                "batch": BATCH,
                "replay": MAX_REPLAY_EVENTS,
                "sessions": MAX_SESSIONS,
                "sockets": SOCKETS,
                "rates": rates.ANNOUNCED,
            },
            "typing": {"resend_ms": TYPING_RESEND_MS, "expire_ms": TYPING_EXPIRE_MS},
        }
        self.push("hello", hello)

    def ordering_key(self, request: Request) -> str:
        """Until authentication all frames share one key: a client may send them together with the token."""
        if not self.is_concurrent and self.session is not None and not self.requests:
            self.is_concurrent = True
        return request.ordering_key if self.is_concurrent else ""

    async def answer(self, request: Request) -> None:
        """Allow only `authenticate` before authentication; a malformed frame gets its own problem even then."""
        names_action = request.problem is None or request.problem.code == "action.unknown"
        if self.session is None and names_action and request.action != "authenticate":
            request.problem = Problem("auth.required", "Send authenticate first.")
        await super().answer(request)

    @action(AUTHENTICATE)
    async def authenticate(self, token: str) -> Reply:
        if self.session is not None and accepts_jwts() and looks_like_jwt(token):
            return await self.extend(self.session, token)
        try:
            refuse_in_browser(token, dict(self.scope.get("headers", [])).get(b"origin"))
            session, epoch = await self.hub.sessions.find(token)
        except Problem as problem:
            if self.session is None and not problem.retryable:
                admission.count_failure(self.scope)
                refused = refusal(problem)
                self.after_reply(self.end, refused.code, refused.reason)
            raise
        if self.session is not None and self.session.user_id != session.user_id:
            raise Problem("auth.other_user", "Open another socket for another user.")
        self.after_reply(self.bind, session, epoch)
        return identity(session), 200

    async def extend(self, session: Session, token: str) -> Reply:
        """Let the session live as long as a JWT of its user."""
        claims = await asyncio.to_thread(exchange.verify, token)  # it may wait for the keys of an identity provider
        extended = await in_database(partial(exchange.extend, session=session, claims=claims))
        session.ends_at, session.expires_at = extended.ends_at, extended.expires_at
        return identity(extended), 200

    @action(PING)
    async def ping(self) -> Reply:
        return {"server_time": format_time(timezone.now())}, 200

    def warn_of_expiry(self, expires_at: datetime) -> None:
        """Send an ephemeral event a minute before: time to authenticate with a fresh token."""
        if self.warned_of_expiry_at != expires_at:
            self.warned_of_expiry_at = expires_at
            stream = str(require_session(self.session).user_id)
            data = {"expires_at": format_time(expires_at)}
            self.send_queue.send_events(ephemeral_event(stream, "session.expiring", data, inbox=True))

    def clean_up(self) -> None:
        if self.session is not None:
            self.hub.sessions.discard(self, self.session)
            is_over = self.connection.status in (CloseCode.SESSION_REVOKED, CloseCode.ACCOUNT_DISABLED)
            self.hub.presence.leave(self, self.session.user_id, at_once=is_over)
        if self.deadline is not None:
            self.deadline.cancel()


def identity(session: Session) -> dict[str, Any]:
    """User and session as REST shows them."""
    return {
        "user": render(UserSerializer, session.user),
        "session": {**render(SessionSerializer, session), "current": True},
    }
