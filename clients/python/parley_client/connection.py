"""One socket to the server, opened again after each break until the server says that it is final."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from parley_client.errors import Refused, offline

Json = dict[str, Any]
Status = Literal["offline", "connecting", "catching-up", "live", "ended"]
# "start": the first connection. "expiring": the session ends soon. "expired": the last token was refused.
TokenReason = Literal["start", "expiring", "expired"]
# None: nobody is logged in. It may be called often. An exception is a failure of the network: it is called again.
TokenSource = Callable[[TokenReason], str | Awaitable[str | None] | None]

FINAL_CLOSE_CODES = frozenset({1002, 1007, 1008, 1009, 4400, 4401, 4402, 4403, 4406, 4408, 4410, 4426})
TOKEN_CODES = frozenset({4401, 4402})  # a newer token may help
LOGIN_CODES = TOKEN_CODES | {4410}
OPEN_SECONDS = 10.0
REQUEST_SECONDS = 30.0
PING_SECONDS = 15.0  # a silent line is noticed after this and the next
PONG_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class End:
    """The reason for the end of a session: a close code (0: there was no token) and whether a log-in helps."""

    code: int
    reason: str
    login: bool


class Listener(Protocol):
    """The receiver of all that happens on a connection."""

    def connected(self, hello: Json) -> None: ...

    def changed(self, status: Status) -> None: ...

    def received(self, events: list[Json]) -> None: ...

    def ended(self, end: End) -> None: ...


class Connection:
    """Connects in a task of its own. `url` is the address of the server, as `https://chat.example.com`."""

    def __init__(self, url: str, source: TokenSource, listener: Listener) -> None:
        self.address = f"ws{url.removeprefix('http')}/v1/ws"
        self.token: str | None = None
        self._source, self._listener = source, listener
        self._socket: ClientConnection | None = None  # from hello on
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._attempt, self._not_before = 0, 0.0
        self._task: asyncio.Task[None] | None = None
        self._renewal: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and come back after each break."""
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """End the connection and all attempts."""
        for task in (self._task, self._renewal):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def get_token(self, reason: TokenReason) -> str | None:
        """The token that was given last or, for another reason than "start", a new one."""
        if reason != "start" or self.token is None:
            given = self._source(reason)
            self.token = await given if inspect.isawaitable(given) else given
        return self.token

    async def request(self, action: str, body: Json) -> Any:
        """Send a frame and return the data of its reply. Raises Refused."""
        socket = self._socket
        if socket is None:
            raise offline()
        key = uuid.uuid4().hex
        reply = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await socket.send(json.dumps({"action": action, "request_id": key, **body}))
                return await reply
        except ConnectionClosed:
            raise offline() from None
        except TimeoutError:
            await self.reconnect()  # a reply that does not come is a broken line
            raise offline() from None
        finally:
            self._waiting.pop(key, None)

    async def reconnect(self) -> None:
        """Close the socket; the next attempt follows."""
        if self._socket is not None:
            await self._socket.close()

    async def _run(self) -> None:
        reason: TokenReason = "start"
        refused: str | None = None
        end = End(0, "no_token", login=True)
        while True:
            self._listener.changed("connecting")
            try:
                token = await self.get_token(reason)
            except Exception:  # of the app's own source: a failure of the network
                await self._pause()
                continue
            if not token or token == refused:
                self._listener.ended(end if token else End(0, "no_token", login=True))
                return
            code, words = await self._connect(token)
            if code in TOKEN_CODES:  # a different token is tried, the same one is not
                refused, reason, end = token, "expired", End(code, words, login=True)
                continue
            if code in FINAL_CLOSE_CODES:
                self._listener.ended(End(code, words, code in LOGIN_CODES))
                return
            refused, reason = None, "start"
            await self._pause()

    async def _connect(self, token: str) -> tuple[int, str]:
        """Hold one socket until it ends, and return the close code and its reason; 1006 when there is none."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with connect(
                self.address,
                additional_headers=headers,
                open_timeout=OPEN_SECONDS,
                ping_interval=PING_SECONDS,
                ping_timeout=PONG_SECONDS,
                close_timeout=1,
                max_size=None,
                proxy=None,
            ) as socket:
                try:
                    async with asyncio.timeout(OPEN_SECONDS) as deadline:
                        async for frame in socket:
                            if self._receive(json.loads(frame), socket):
                                deadline.reschedule(None)
                except ConnectionClosed:
                    pass
                finally:
                    self._lose()
            return socket.close_code or 1006, socket.close_reason or ""
        except (OSError, WebSocketException):  # no socket, or no hello in time: TimeoutError is an OSError
            return 1006, ""

    def _lose(self) -> None:
        self._socket = None
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(offline())

    async def _pause(self) -> None:
        """Full jitter: all clients of a server that restarts must not come back at once."""
        self._listener.changed("offline")
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._attempt, 10))
        self._attempt += 1
        await asyncio.sleep(max(self._not_before - time.monotonic(), random.uniform(0, longest)))

    def _receive(self, frame: Json, socket: ClientConnection) -> bool:
        """Take a frame; True for hello. Frames of unknown kinds are passed over."""
        action, data = frame.get("action"), frame.get("data")
        if "request_id" in frame:
            self._settle(frame)
        elif action == "events":
            events: list[Json] = data or []
            if any(event["type"] == "session.expiring" for event in events):
                self._renewal = asyncio.ensure_future(self._renew())
            self._listener.received(events)
        elif action == "goodbye" and isinstance(data, dict):
            self._not_before = time.monotonic() + (data.get("retry_after_ms") or 0) / 1000
        elif action == "hello" and isinstance(data, dict):
            self._socket, self._attempt = socket, 0
            self._listener.connected(data)
            return True
        return False

    def _settle(self, frame: Json) -> None:
        reply = self._waiting.get(str(frame["request_id"]))
        if reply is None or reply.done():
            return
        if frame.get("errors"):
            reply.set_exception(Refused.by(frame["errors"][0]))
        else:
            reply.set_result(frame.get("data"))

    async def _renew(self) -> None:
        """Give the open socket a fresh token, so that it outlives the session."""
        before = self.token
        try:
            token = await self.get_token("expiring")
            if token and token != before:
                await self.request("authenticate", {"token": token})
        except Exception:  # the session ends, and the next connection asks for a token again
            self.token = before
