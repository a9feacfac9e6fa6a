"""The identity of a connection: hello, the token in the first frame or a fresh one later, and the end of a session."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from accounts.models import Session
from accounts.serializers import SessionSerializer, UserSerializer
from api.serializers.messages import BATCH, HISTORY_PAGE_MAX
from api.services.members import MAX_ROOMS
from realtime.close_codes import CloseCode
from realtime.consumers.actions import Reply, acting, action
from realtime.consumers.base import ActionConsumer
from realtime.consumers.frames import Request
from realtime.ephemeral import TYPING_EXPIRE_MS, TYPING_RESEND_MS, ephemeral
from realtime.hub import REPLAY_EVENTS
from realtime.middleware import PROTOCOL, refusal
from realtime.operations import AUTHENTICATE, PING
from realtime.process import get_hub
from realtime.server.limits import MAX_INBOUND_FRAME_BYTES
from wire.fields import METADATA_BYTES, TEXT_BYTES, TEXT_CHARS, format_time, render
from wire.problems import Problem

AUTH_SECONDS = 5.0
STRANGER_FAREWELL_SECONDS = 0.9  # so that a socket without a session is gone within six seconds, whatever it does


class Connection(ActionConsumer):
    """A socket that belongs to a session."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Accept, and then refuse, greet, or wait for the token."""
        self.hub = get_hub()
        self.session: Session | None = None
        self.farewell_seconds = STRANGER_FAREWELL_SECONDS
        self.warned_of: datetime | None = None
        self.deadline: asyncio.TimerHandle | None = None
        self.divided = False
        subprotocol = PROTOCOL if PROTOCOL in self.scope["subprotocols"] else None
        await self.base_send({"type": "websocket.accept", "subprotocol": subprotocol})
        refused = self.scope["refusal"]
        if refused is not None:
            self.refuse(refused.problem)
            self.end(refused.code, refused.reason)
        elif self.scope["session"] is not None:
            self.enter(self.scope["session"], self.scope["epoch"])
        else:
            expire = partial(self.end, CloseCode.AUTH_TIMEOUT, "auth_timeout")
            self.deadline = asyncio.get_running_loop().call_later(AUTH_SECONDS, expire)

    def refuse(self, problem: Problem) -> None:
        """Words for a refusal that answers no frame; the goodbye is enough here."""

    def enter(self, session: Session, epoch: int) -> None:
        """Bind the socket to the session, unless the session ended while the token was looked up."""
        if self.closing:
            return
        if self.deadline is not None:
            self.deadline.cancel()
        if self.session is not None:
            self.hub.sessions.discard(self, self.session)
        is_first = self.session is None
        self.session = session
        self.farewell_seconds = None
        self.scope["user"], self.scope["session"] = session.user, session
        self.hub.sessions.add(self, session)
        if is_first:
            self.greet(session, epoch)

    def greet(self, session: Session, epoch: int) -> None:
        """The first push: all the numbers that a client would otherwise hard-code."""
        hello = {
            "protocol": PROTOCOL,
            "connection_id": uuid4().hex,
            **who(session),
            "server_time": format_time(timezone.now()),
            "epoch": epoch,
            "heartbeat": {"interval_ms": int(getattr(settings, "WS_PING_INTERVAL_SECONDS", 25) * 1000)},
            "limits": {
                "frame_bytes": MAX_INBOUND_FRAME_BYTES,
                "text_chars": TEXT_CHARS,
                "text_bytes": TEXT_BYTES,
                "metadata_bytes": METADATA_BYTES,
                "rooms": MAX_ROOMS,
                "page": HISTORY_PAGE_MAX,
                "batch": BATCH,
                "replay": REPLAY_EVENTS,
            },
            "typing": {"resend_ms": TYPING_RESEND_MS, "expire_ms": TYPING_EXPIRE_MS},
        }
        self.push("hello", hello)

    def lane_of(self, request: Request) -> str:
        """Frames that come with the token wait for it, all in one lane, so that a client may send them together."""
        if not self.divided and self.session is not None and not self.lanes:
            self.divided = True
        return request.lane if self.divided else ""

    async def answer(self, request: Request) -> None:
        """Before the token there is one action; a frame that cannot be read is told so to anybody."""
        if self.session is None and request.problem is None and request.action != "authenticate":
            request.problem = Problem("auth.required", "Send authenticate first.")
        await super().answer(request)

    @action(AUTHENTICATE)
    async def authenticate(self, token: str) -> Reply:
        try:
            session, epoch = await self.hub.sessions.find(token)
        except Problem as problem:
            if self.session is None and not problem.retryable:
                refused = refusal(problem)
                self.after_reply(self.end, refused.code, refused.reason)
            raise
        if self.session is not None and self.session.user_id != session.user_id:
            raise Problem("auth.other_user", "Open another socket for another user.")
        self.after_reply(self.enter, session, epoch)
        return who(session), 200

    @action(PING)
    async def ping(self) -> Reply:
        return {"server_time": format_time(timezone.now())}, 200

    def warn_of_expiry(self, expires_at: datetime) -> None:
        """An ephemeral event a minute before: time to authenticate with a fresh token."""
        if self.warned_of != expires_at:
            self.warned_of = expires_at
            stream = str(acting(self.session).user_id)
            data = {"expires_at": format_time(expires_at)}
            self.outbox.give(ephemeral(stream, "session.expiring", data, inbox=True))

    def clean_up(self) -> None:
        if getattr(self, "session", None) is not None:
            self.hub.sessions.discard(self, acting(self.session))
        if getattr(self, "deadline", None) is not None and self.deadline:
            self.deadline.cancel()


def who(session: Session) -> dict[str, Any]:
    """User and session as REST shows them."""
    return {
        "user": render(UserSerializer, session.user),
        "session": {**render(SessionSerializer, session), "current": True},
    }
