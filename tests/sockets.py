"""Clients of a live server: a user with a REST client, and their sockets. Every wait has a time limit."""

from __future__ import annotations

import asyncio
import json
import socket as tcp
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.answers import End, Reply
from tests.recording import Direction, Face, record
from tests.servers import ParleyServer

PATIENCE = 20.0  # no answer in so many seconds is a failure, on a busy machine too; less than the longest wait_ms
PASSWORD = "correct horse battery"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: loopback speaks plain HTTP, and a context costs 20 ms

Carrier = Literal["header", "subprotocol", "frame"]
Found = TypeVar("Found")


class Socket:
    """One websocket: `frames` has everything that it received, in order."""

    def __init__(self, connection: ClientConnection, face: Face = "socket") -> None:
        self.connection = connection
        self.face: Face = face
        self.recorded = True  # False for all but one of a crowd that receives the same
        self.frames: list[Any] = []
        self.events: list[dict[str, Any]] = []  # those of all frames, in order
        self._ended = False
        self._changed = asyncio.Condition()
        self._looked = 0  # events before this one were handed out by next_event
        self._reader: asyncio.Future[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        token: str = "",
        by: Carrier = "header",
        subprotocols: list[str] | None = None,
        headers: dict[str, str] | None = None,
        face: Face = "socket",
        reading: bool = True,
    ) -> Self:
        """Connect and pass the token in the place that `by` names: with `frame` in the first frame.

        Without `reading` the client leaves what comes in the network, until `read` is called.
        """
        offered = ["chat.v1", f"bearer.{token}"] if by == "subprotocol" else subprotocols
        bearer = {"Authorization": f"Bearer {token}"} if by == "header" and token else {}
        connection = await connect(
            url,
            sock=None if reading else _connect_with_small_buffer(url),
            additional_headers={**bearer, **(headers or {})},
            subprotocols=[Subprotocol(name) for name in offered] if offered else None,
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE,
            close_timeout=1,
            max_size=None,
            max_queue=16 if reading else 1,
            proxy=None,
        )
        socket = cls(connection, face)
        if reading:
            socket.read()
        if by == "frame":
            await socket.send_json({"action": "authenticate", "token": token})
        return socket

    def read(self) -> None:
        """Begin to read."""
        self._reader = asyncio.ensure_future(self._read())

    # Sending

    async def send(self, frame: str | bytes) -> None:
        """Send a text or binary frame as it is."""
        self._record("sent", frame)
        await self.connection.send(frame)

    async def send_json(self, frame: object) -> None:
        """Send a frame as JSON."""
        self._record("sent", frame)
        await self.connection.send(json.dumps(frame, ensure_ascii=False))

    async def call(self, action: str, /, **body: Any) -> Reply:
        """Send an action and return its reply."""
        request_id = uuid4().hex
        await self.send_json({"action": action, "request_id": request_id, **body})
        return await self.reply(request_id)

    # Receiving

    async def reply(self, request_id: str | int | None) -> Reply:
        """The reply with this request_id."""
        frame = await self.find(lambda frame: "response_status" in frame and frame["request_id"] == request_id)
        return Reply(frame)

    async def hello(self) -> dict[str, Any]:
        """The data of the first push."""
        frame = await self.find(lambda frame: frame.get("action") == "hello")
        data: dict[str, Any] = frame["data"]
        return data

    async def find(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first frame that is wanted; wait for it if it has not been received yet."""

        def look() -> dict[str, Any] | None:
            return next((frame for frame in self.frames if wanted(frame)), None)

        return await self._until(look, "the frame")

    def seqs(self, room_id: str | None) -> list[int]:
        """The durable seqs of one stream so far, in the order in which they came."""
        return [event["seq"] for event in self.events if event["room_id"] == room_id and event["seq"] is not None]

    def texts(self) -> list[str]:
        """The texts of the new messages received so far."""
        return [event["data"]["text"] for event in self.events if event["type"] == "message.created"]

    async def next_event(self, *types: str, room_id: str | None = None) -> dict[str, Any]:
        """The next event of one of these types (and of this room); others on the way are passed over."""

        def wanted(event: dict[str, Any]) -> bool:
            return event["type"] in types and (room_id is None or bool(event["room_id"] == room_id))

        place, event = await self._until_event(wanted, f"an event {types}", self._looked)
        self._looked = place + 1
        return event

    async def until_message(self, text: str) -> dict[str, Any]:
        """Wait for the event of the message with this text, and return it."""

        def wanted(event: dict[str, Any]) -> bool:
            return bool(event["type"] == "message.created" and event["data"]["text"] == text)

        return (await self._until_event(wanted, text))[1]

    async def until_seq(self, room_id: str | None, seq: int) -> None:
        """Wait for this seq of a stream."""
        await self._until_event(lambda event: (event["room_id"], event["seq"]) == (room_id, seq), f"seq {seq}")

    async def settled(self) -> None:
        """Wait until everything that the server has sent to this socket so far has arrived."""
        assert (await self.call("ping")).status == 200

    async def end(self) -> End:
        """Wait until the server has closed."""
        await self._until(lambda: self._ended or None, "the close")
        goodbye = next((frame["data"] for frame in self.frames if frame.get("action") == "goodbye"), None)
        code, reason = self.connection.close_code or 1006, self.connection.close_reason or ""
        if goodbye is not None or (self.face == "room_socket" and code != 1009):  # else it is uvicorn's close
            self._record("closed", {"code": code, "reason": reason})
        return End(code, reason, goodbye)

    @property
    def alive(self) -> bool:
        return not self._ended

    async def _until_event(
        self, wanted: Callable[[dict[str, Any]], bool], what: str, start: int = 0
    ) -> tuple[int, dict[str, Any]]:
        """The first event from `start` on that is wanted, with its index; each event is checked once."""
        looked = start

        def look() -> tuple[int, dict[str, Any]] | None:
            nonlocal looked
            while looked < len(self.events):
                looked += 1
                if wanted(self.events[looked - 1]):
                    return looked - 1, self.events[looked - 1]
            return None

        return await self._until(look, what)

    async def _until(self, look: Callable[[], Found | None], what: str) -> Found:
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                while (found := look()) is None:
                    assert not self._ended, f"Closed ({self.connection.close_code}) before {what}: {self.frames[-3:]}"
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"Never received {what}; the last was {self.frames[-3:]}") from None

    async def _read(self) -> None:
        try:
            async for raw in self.connection:
                frame = orjson.loads(raw)
                self._record("received", frame)
                await self._store(frame)
        except ConnectionClosed:
            pass
        finally:
            self._ended = True
            await self._store(None)

    def _record(self, direction: Direction, payload: object) -> None:
        if self.recorded:
            record(direction, self.face, payload)

    async def _store(self, frame: dict[str, Any] | None) -> None:
        async with self._changed:
            if frame is not None:
                self.frames.append(frame)
                if frame.get("action") == "events":
                    self.events += frame["data"]
            self._changed.notify_all()

    async def close(self) -> None:
        """Close the socket with a close frame."""
        await self.connection.close()
        if self._reader is not None:
            await self._reader

    async def cut(self) -> None:
        """Abort the connection without a close frame, as a lost network does."""
        self.connection.transport.abort()
        if self._reader is not None:
            await self._reader


def _connect_with_small_buffer(url: str) -> tcp.socket:
    """Open a connection with a small receive buffer."""
    parts = urlsplit(url)
    connection = tcp.socket()
    connection.setsockopt(tcp.SOL_SOCKET, tcp.SO_RCVBUF, 16_384)
    connection.connect((parts.hostname, parts.port))
    connection.setblocking(False)
    return connection


@dataclass
class Account:
    """A user of a live server, on one device."""

    server: ParleyServer
    http: httpx.AsyncClient
    stack: AsyncExitStack  # closes the sockets when the test ends
    token: str
    user: dict[str, Any]
    session: dict[str, Any]
    sockets: list[Socket] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.user["id"])

    @property
    def username(self) -> str:
        return str(self.user["username"])

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.request("GET", path, params=query)

    async def post(self, path: str, body: object = None) -> httpx.Response:
        return await self.request("POST", path, body)

    async def put(self, path: str, body: object = None) -> httpx.Response:
        return await self.request("PUT", path, body)

    async def patch(self, path: str, body: object = None) -> httpx.Response:
        return await self.request("PATCH", path, body)

    async def delete(self, path: str, body: object = None) -> httpx.Response:
        return await self.request("DELETE", path, body)

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: dict[str, Any] | None = None,
        server: ParleyServer | None = None,
    ) -> httpx.Response:
        """Send `body` as JSON, or as it is when it is bytes."""
        return await rest(self.http, server or self.server, method, path, body, token=self.token, params=params)

    async def connect(
        self, server: ParleyServer | None = None, *, by: Carrier = "header", path: str = "/v1/ws", **options: Any
    ) -> Socket:
        """Open a socket that is closed with the test."""
        face: Face = "socket" if path == "/v1/ws" else "room_socket"
        url = f"{(server or self.server).ws_url}{path}"
        socket = await Socket.open(url, token=self.token, by=by, face=face, **options)
        self.stack.push_async_callback(socket.close)
        if face == "socket" and options.get("reading", True):
            await socket.hello()
        return socket

    async def listen(self, *rooms: Any, server: ParleyServer | None = None) -> Socket:
        """Open a socket that is live in these rooms; None is the inbox."""
        socket = await self.connect(server)
        for room in rooms:
            reply = await socket.call("subscribe", room_id=room and room["id"])
            assert reply.status == 200, reply.frame
        return socket

    async def make_room(self, *members: Account, kind: str = "private", **more: Any) -> dict[str, Any]:
        """Create a room that this user owns."""
        body = {"kind": kind, "name": "Tea", "members": [member.id for member in members], **more}
        response = await self.post("/v1/rooms", body)
        assert response.status_code == 201, response.text
        room: dict[str, Any] = response.json()
        return room

    async def post_message(self, room: dict[str, Any], text: str, server: ParleyServer | None = None) -> dict[str, Any]:
        """Send a message by REST; retry while the server is busy or closes an idle connection, as a client does."""
        body = {"client_id": uuid4().hex, "text": text}
        for tries_left in range(3, -1, -1):
            try:
                response = await self.request("POST", f"/v1/rooms/{room['id']}/messages", body, server=server)
            except httpx.ReadError:
                if not tries_left:
                    raise
                continue
            if response.status_code != 503 or not tries_left:
                break
            await asyncio.sleep(response.json()["retry_after_ms"] / 1000)
        assert response.status_code in (200, 201), response.text
        message: dict[str, Any] = response.json()
        return message

    async def post_messages(self, room: dict[str, Any], count: int) -> int:
        """Send this number of messages in batches over a socket; return the last seq."""
        socket = await self.connect()
        last = 0
        for start in range(0, count, 50):
            items = [{"client_id": uuid4().hex, "text": f"m{n}"} for n in range(start, min(start + 50, count))]
            reply = await socket.call("send_messages", room_id=room["id"], items=items)
            assert reply.status == 200, reply.frame
            last = reply.data["results"][-1]["seq"]
        await socket.close()
        return last

    async def another_device(self) -> Account:
        """Log the same user in on another device."""
        body = {"username": self.username, "password": PASSWORD}
        response = await rest(self.http, self.server, "POST", "/v1/auth/login", body)
        assert response.status_code == 200, response.text
        login = response.json()
        return Account(self.server, self.http, self.stack, **login)


async def rest(
    http: httpx.AsyncClient,
    server: ParleyServer,
    method: str,
    path: str,
    body: object = None,
    *,
    token: str = "",
    params: dict[str, Any] | None = None,
) -> httpx.Response:
    """Send one request to a live server."""
    content = None if body is None else body if isinstance(body, bytes) else json.dumps(body, default=str).encode()
    headers = {"Content-Type": "application/json"} if content is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    response = await http.request(method, f"{server.url}{path}", content=content, headers=headers, params=params)
    recorded = {
        "method": method,
        "path": path,
        "status": response.status_code,
        "content_type": response.headers.get("content-type"),
        "body": response.json() if response.content else None,
    }
    record("received", "rest", recorded)
    return response


async def join_parley(server: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack, name: str) -> Account:
    """Register a user whose name begins with this."""
    username = f"{name}-{uuid4().hex[:12]}"
    body = {"username": username, "password": PASSWORD, "display_name": name.title()}
    response = await rest(http, server, "POST", "/v1/auth/register", body)
    assert response.status_code == 201, response.text
    return Account(server, http, stack, **response.json())
