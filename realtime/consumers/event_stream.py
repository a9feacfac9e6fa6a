"""A device without a socket: server-sent events of HTTP (the HTML standard, section 9.2) carry what a socket pushes.

It is a consumer whose frames become `data` lines of one response. It takes no frames; the client acts by REST.
"""

import asyncio
import random
from dataclasses import replace
from typing import Any
from uuid import UUID

from accounts.models import Session
from api.services.sync import SyncRequest
from realtime import database
from realtime.admission import Overloaded, lag
from realtime.authorization import StreamAccess
from realtime.close_codes import CloseCode
from realtime.consumers.subscriptions import SubscriptionActions
from realtime.limits import COMMENT_SECONDS, STREAM_SECONDS, STREAM_STALL_SECONDS
from realtime.metrics import STREAMS, STREAMS_CLOSED
from realtime.operations import SYNC
from realtime.presence.states import Activity
from wire.deferred import Exchange
from wire.problems import Problem, to_problem

MEDIA_TYPE = "text/event-stream"
EVENT_KEY = "_event"  # where a frame keeps its finished event for the next stream
COMMENT = {"type": "websocket.send", "text": "", EVENT_KEY: b":\n\n"}
UNAVAILABLE = (CloseCode.TRY_AGAIN_LATER, "unavailable")
CUT = 1006  # the code of a connection that ended without a goodbye (RFC 6455, section 7.4.1)


def event_of(frame: dict[str, Any]) -> bytes:
    """Return the event for a frame, built once and kept in the frame. JSON has no line ends, so it is one line."""
    event: bytes | None = frame.get(EVENT_KEY)
    if event is None:
        event = frame[EVENT_KEY] = b"data: %b\n\n" % frame["text"].encode()
    return event


class EventStream(SubscriptionActions):
    """One stream. It begins with a sync of all streams of its user, and is live from there."""

    send_seconds = STREAM_STALL_SECONDS
    open_gauge = STREAMS
    closed_counter = STREAMS_CLOSED

    def __init__(
        self, session: Session, epoch: int, request: SyncRequest, activity: Activity, exchange: Exchange
    ) -> None:
        super().__init__()
        self.activity = activity
        self._session, self._epoch, self._request, self._exchange = session, epoch, request, exchange
        self._is_connected = False

    @classmethod
    async def finish(
        cls, session: Session, epoch: int, request: SyncRequest, activity: Activity, exchange: Exchange
    ) -> None:
        """Answer the request with a stream, or with the problem that prevents it."""
        stream = cls(session, epoch, request, activity, exchange)
        try:
            if lag.is_overloaded:
                raise Problem("unavailable", retry_after_ms=Overloaded().retry_after_ms)
            with stream.hub.waiters.entered(stream, session, exchange.scope):
                await stream(stream._scope(), stream._receive, stream._send)
        except Problem as problem:
            await exchange.refuse(problem)

    @property
    def heartbeat_seconds(self) -> float:
        """The interval of the comments."""
        return COMMENT_SECONDS

    # The response as the consumer sees it: a socket

    def _scope(self) -> dict[str, Any]:
        scope = dict(self._exchange.scope)
        begin_stream = scope.get("extensions", {}).get("parley", {}).get("stream")
        if begin_stream is None:  # another server than ours
            return scope | {"extensions": {}}
        stream = begin_stream()
        write = stream["try_write"]
        return scope | {"extensions": {"parley": {**stream, "try_write": lambda frame: write(event_of(frame))}}}

    async def _receive(self) -> dict[str, Any]:
        if not self._is_connected:
            self._is_connected = True
            return {"type": "websocket.connect"}
        await self._exchange.receive()  # the body has been read: only the disconnect follows
        return {"type": "websocket.disconnect", "code": CUT}

    async def _send(self, message: dict[str, Any]) -> None:
        is_last = message["type"] == "websocket.close"
        body = b"" if is_last else event_of(message)
        await self._exchange.send({"type": "http.response.body", "body": body, "more_body": not is_last})

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Send the headers, hello, all pages of the sync, and then what is live."""
        answer = self._exchange.answer
        await self._exchange.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await self._send(COMMENT)  # the headers leave with the first bytes
        self._exchange.call.end()
        self.bind(self._session, self._epoch)
        if self.closing:
            return
        self.spawn(self._keep_alive())
        self.spawn(self._catch_up())

    async def _keep_alive(self) -> None:
        """Send comments, and end the stream after STREAM_SECONDS."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + STREAM_SECONDS
        while (left := ends_at - loop.time()) > 0:
            await asyncio.sleep(min(COMMENT_SECONDS, left))
            if not self.closing and not self.send_queue.is_full:
                self.send_queue.send_frame(COMMENT)
        self.end(CloseCode.RESTART, "restart", retry_after_ms=random.randrange(1000))

    async def _catch_up(self) -> None:
        """Send every page of the sync, and subscribe to their streams from where each page ends."""
        pages: list[tuple[dict[UUID, int], dict[UUID, StreamAccess]]] = []
        request: SyncRequest | None = self._request
        try:
            while request is not None:
                synced, accesses = await database.sync(request, True)
                await self.reply(SYNC.name, synced.data)
                await self.send_queue.wait_writable()
                pages.append((synced.cursors, accesses))
                request = replace(request, next=synced.data["next"]) if synced.data["next"] else None
        except Exception as error:
            problem = to_problem(error)
            await self.handle_exception(problem, SYNC.name, None)
            failed = (CloseCode.INTERNAL, "internal") if problem.code == "internal" else UNAVAILABLE
            self.end(*failed, retry_after_ms=problem.retry_after_ms)
            return
        for cursors, accesses in pages:
            self._continue_from(cursors, accesses)
            await asyncio.sleep(0)  # a thousand rooms would hold up the loop

    def clean_up(self) -> None:
        super().clean_up()
        self.hub.waiters.discard(self, self._session)
