"""One device of a user: a socket that always comes back, cursors that it keeps, and everything it gets on record."""

import asyncio
import contextlib
import itertools
import random
import re
from collections.abc import Callable
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.chaos.cluster import Cluster
from tests.chaos.history import History, digest
from tests.chaos.rest import REQUEST_SECONDS, Answer, request

CANARY = re.compile(r"cnry[0-9a-f]{12}")
PASSWORD = "correct horse battery"
HEARTBEAT_SECONDS = 3.0  # how soon a device itself notices a line that is half open
OUTSIDE_SECONDS = 45.0
SESSION_IS_OVER = frozenset({4401, 4402, 4410})

Handler = Callable[[Answer], None]
numbers = itertools.count(1)


class Person:
    """A user and all the canaries that ever reached them."""

    def __init__(self, name: str, history: History) -> None:
        self.name, self.history = name, history
        self.id = ""
        self.devices: list[Device] = []
        self._seen: set[str] = set()

    def scan(self, text: str, where: str) -> None:
        """Look for canaries in bytes that this user received."""
        for token in CANARY.findall(text):
            if token not in self._seen:
                self._seen.add(token)
                self.history.add("canary", user=self.id, token=token, where=where)


class Device:
    """A client of a user. `cursors` has the last applied seq of each stream, as an app would keep it on disk."""

    def __init__(
        self, person: Person, number: int, cluster: Cluster, rng: random.Random, *, slow: bool = False
    ) -> None:
        self.person, self.cluster, self.history, self.rng = person, cluster, person.history, rng
        self.name = f"{person.name}.{number}"
        self.slow = slow
        self.home: int | None = None  # always this server, when set
        self.token = self.session = ""
        self.cursors: dict[str, int] = {}
        self.rooms: set[str] = set()
        self.tracks_inbox = False
        self.forgets = False  # the next connection begins anew, as after the loss of the disk
        self.socket: ClientConnection | None = None
        self.server = 0
        self.stopping = False
        self._conn = 0
        self._goodbye: dict[str, Any] | None = None
        self._waiting: dict[str, tuple[asyncio.Future[Answer], Handler | None]] = {}
        self._unsynced: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_connected(self) -> bool:
        """True while it receives what is live."""
        return self.socket is not None

    # Accounts

    async def enter(self, *, first: bool) -> None:
        """Register or log in, however often it takes."""
        body = {"username": self.person.name, "password": PASSWORD}
        while not self.stopping:
            answer = await self.rest("POST", "auth/register" if first else "auth/login", body=body)
            if answer.status in (200, 201):
                self.token, self.session = answer.data["token"], answer.data["session"]["id"]
                self.person.id = answer.data["user"]["id"]
                return
            assert answer.is_unknown or answer.code == "auth.username_taken", answer
            first = first and answer.code != "auth.username_taken"
            await asyncio.sleep(0.3)

    async def rest(
        self, method: str, path: str, *, body: object = None, server: int | None = None, token: str | None = None
    ) -> Answer:
        """A REST call to some server, or to this one."""
        server = self.rng.randrange(self.cluster.size) if server is None else server
        own = self.token if token is None else token
        answer = await request(self.cluster.client_lines[server].port, method, path, token=own, body=body)
        self.person.scan(answer.text, f"{method} {path}")
        return answer

    # The socket

    async def live(self) -> None:
        """Stay connected until `stopping` is set."""
        while not self.stopping:
            self.server = self.rng.randrange(self.cluster.size) if self.home is None else self.home
            with contextlib.suppress(OSError, TimeoutError, WebSocketException):
                await self._connect()
            self.socket = None
            for future, _ in self._waiting.values():
                if not future.done():
                    future.set_result(Answer(None))
            self._waiting.clear()
            if self._goodbye and self._goodbye["code"] in SESSION_IS_OVER:
                await self.enter(first=False)
            await asyncio.sleep(self.rng.uniform(0.05, 0.3))

    async def _connect(self) -> None:
        self._goodbye = None
        self._followed: set[str] = set()
        if self.forgets:
            self.cursors, self.rooms, self.tracks_inbox, self.forgets = {}, set(), False, False
        port = self.cluster.client_lines[self.server].port
        async with connect(
            f"ws://127.0.0.1:{port}/v1/ws",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            compression=None,
            open_timeout=3,
            close_timeout=1,
            ping_interval=HEARTBEAT_SECONDS,
            ping_timeout=HEARTBEAT_SECONDS,
            max_size=None,
            max_queue=1 if self.slow else 64,
        ) as socket:
            self._conn = conn = next(numbers)
            fields = {"conn": conn, "device": self.name, "user": self.person.id}
            self.history.add("open", **fields, session=self.session, server=self.server)
            try:
                await self._listen(socket)
            finally:
                code = socket.close_code
                goodbye_code = self._goodbye and self._goodbye["code"]
                self.history.add(
                    "close", conn=conn, device=self.name, server=self.server, code=code, goodbye=goodbye_code
                )

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            assert isinstance(text, str)
            self.person.scan(text, "socket")
            self._receive(orjson.loads(text), socket)
            if self.slow:
                await asyncio.sleep(0.05)

    def _receive(self, frame: dict[str, Any], socket: ClientConnection) -> None:
        if frame["action"] == "events" and "request_id" not in frame:
            for event in frame["data"]:
                self.apply(event, via="live")
        elif "request_id" in frame:
            self._settle(frame)
        elif frame["action"] == "hello":
            self.socket = socket
            self.spawn(self._resume(socket))
        elif frame["action"] == "goodbye":
            self._goodbye = frame["data"]

    def _settle(self, frame: dict[str, Any]) -> None:
        future, handler = self._waiting.pop(str(frame["request_id"]), (None, None))
        status = frame["response_status"]
        answer = Answer(status, frame["data"] if status < 400 else frame["errors"][0])
        if handler is not None:
            handler(answer)
        if future is not None and not future.done():
            future.set_result(answer)

    async def act(
        self,
        action: str,
        handler: Handler | None = None,
        *,
        only: ClientConnection | None = None,
        **body: Any,
    ) -> Answer:
        """Send an action and return its reply. `handler` runs before any later frame is processed.

        With `only` it is sent on this connection alone, and not on the one that has replaced it.
        """
        socket = self.socket
        if socket is None or (only is not None and only is not socket):
            return Answer(None)
        request_id = f"{self.name}-{next(numbers)}"
        future = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = (future, handler)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await socket.send(orjson.dumps({"action": action, "request_id": request_id, **body}).decode())
                answer: Answer = await future
                return answer
        except (TimeoutError, OSError, WebSocketException):
            self._waiting.pop(request_id, None)
            return Answer(None)

    def spawn(self, work: Any) -> None:
        """Run beside the socket."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Streams

    # The connection is an argument of all that follows hello: a task that outlives its connection must not act on the
    # next one, which resumes by itself.

    async def _resume(self, socket: ClientConnection) -> None:
        """After hello: the inbox first, so that no news of a room is missed, then every room."""
        if not self.tracks_inbox:
            await self._begin(socket)
        elif (draw := self.rng.random()) < 0.3:
            await self._follow(socket)
        elif draw < 0.6:
            await self._sync(socket)
        if socket is not self.socket or self._followed:
            return
        rooms = list(self.rooms)
        self._unsynced = {self.person.id, *rooms}
        await self.subscribe(self.person.id, socket)
        await asyncio.gather(*(self.subscribe(room, socket) for room in rooms))

    async def _begin(self, socket: ClientConnection) -> None:
        """Begin without cursors: subscribe to the inbox, and take the heads of a sync as the cursors of the rooms.

        The list of rooms would not do: a direct room that the other has opened is not listed before its first message,
        and this message is not in the inbox.
        """
        await self.subscribe(self.person.id, socket)
        body: dict[str, Any] = {"rooms": {}}
        while socket is self.socket and self.person.id in self.cursors and not self.tracks_inbox:
            answer = await self.rest("POST", "sync", body=body)
            if answer.status == 401:
                return
            if answer.status == 200 and socket is self.socket:
                for entry in answer.data["rooms"]:
                    self._track(entry["id"], entry["head"])
                body["next"] = answer.data["next"]
                self.tracks_inbox = body["next"] is None

    def _begin_at(self, stream: str, after: int) -> None:
        self.cursors[stream] = after
        self.history.add("start", device=self.name, stream=stream, after=after)

    def _track(self, stream: str, after: int) -> None:
        if stream not in self.cursors:
            self._begin_at(stream, after)
        if stream != self.person.id:
            self.rooms.add(stream)

    async def subscribe(self, stream: str, socket: ClientConnection) -> None:
        """Subscribe to a stream after the cursor; a 403 or 404 means that the user has left the room."""
        body = {"room_id": None if stream == self.person.id else stream}
        while socket is self.socket:
            cursor = self.cursors.get(stream)
            after = {} if cursor is None else {"after": cursor}
            answer = await self.act(
                "subscribe", lambda reply: self._subscribed(stream, reply), only=socket, **body, **after
            )
            if answer.status in (403, 404):
                self.rooms.discard(stream)
                self._is_synced(stream)
            if not answer.is_unknown:
                return
            await asyncio.sleep(0.2)

    def _subscribed(self, stream: str, reply: Answer) -> None:
        if reply.status != 200:
            return
        if stream not in self.cursors:
            self._track(stream, reply.data["after"])
        elif reply.data["replay"] == "reset":
            self.history.add("reset", device=self.name, stream=stream, head=reply.data["head"])
            self.cursors[stream] = reply.data["head"]

    def _is_synced(self, stream: str) -> None:
        if stream in self._unsynced:
            self._unsynced.discard(stream)
            if not self._unsynced:
                self.history.add("caught_up", device=self.name, conn=self._conn)

    def apply(self, event: dict[str, Any], *, via: str) -> None:
        """Apply any event, valid or not; the checker judges the record."""
        stream, seq, kind = event["room_id"] or self.person.id, event["seq"], event["type"]
        if kind == "room.synced":
            self._is_synced(stream)
            return
        if kind in ("room.limited", "room.reset"):
            self._jump(stream, kind, event["data"])
            return
        key = digest(event) if seq is not None else None
        if key is not None:
            self.history.body(key, event)
            self.cursors[stream] = seq
        self.history.add(
            "event", conn=self._conn, device=self.name, stream=stream, seq=seq, type=kind, key=key, via=via
        )
        if stream == self.person.id and seq is not None:
            self._apply_inbox(kind, event["data"], live=via == "live")

    def _jump(self, stream: str, kind: str, data: dict[str, Any]) -> None:
        if kind == "room.limited":
            self.history.add("limited", device=self.name, stream=stream, **data)
            self.cursors[stream] = data["to"]
        else:
            self.history.add("reset", device=self.name, stream=stream, head=data["head"])
            self.cursors[stream] = data["head"]

    def _apply_inbox(self, kind: str, data: dict[str, Any], *, live: bool) -> None:
        if kind == "room.removed":
            self.rooms.discard(data["id"])
            if live and self._followed:
                self.spawn(self._wait_outside(data["id"]))
        elif kind == "room.added":
            self._track(data["id"], data["seq"] - 1)
            if live and self.person.id not in self._followed:
                assert self.socket is not None
                self.spawn(self.subscribe(data["id"], self.socket))
            elif live and data["id"] not in self._followed:
                self._follow_added(data["id"], data["seq"] - 1)

    def _follow_added(self, room: str, after: int) -> None:
        """Follow a room to which the server subscribed this device: from the user's join on; the rest is history."""
        self._followed.add(room)
        self._begin_at(room, after)

    async def _wait_outside(self, room: str) -> None:
        """A server forgets a silent subscription after a minute; before that, come back with the cursor."""
        socket = self.socket
        await asyncio.sleep(OUTSIDE_SECONDS)
        if socket is self.socket and room not in self.rooms:
            await self.hang_up()

    async def _sync(self, socket: ClientConnection) -> None:
        """Come back by `POST sync`; a page that does not come leaves the rest to the subscriptions."""
        named = dict(self.cursors)
        inbox = named.pop(self.person.id)
        body: dict[str, Any] = {"rooms": named, "inbox": inbox, "epoch": 1, "limit": 100}
        following = True
        while following:
            answer = await self.rest("POST", "sync", body=body, server=self.server)
            if answer.status != 200 or socket is not self.socket:
                return
            self._take_page(answer.data, named)
            body["next"] = answer.data["next"]
            following = body["next"] is not None

    async def _follow(self, socket: ClientConnection) -> None:
        """Reconnect by the socket's `sync`, which subscribes to all rooms of its reply with one frame."""
        conn, named = self._conn, dict(self.cursors)
        self._unsynced.clear()
        body: dict[str, Any] = {"rooms": named, "inbox": named.pop(self.person.id), "epoch": 1, "limit": 100}
        following: str | None = ""
        while following is not None:
            answer = await self.act(
                "sync", lambda reply: self._followed_page(reply, named), only=socket, **body, subscribe=True
            )
            if answer.status != 200 or socket is not self.socket:
                if socket is self.socket:
                    await self.hang_up()  # half a sync is no sync: begin again
                return
            following = body["next"] = answer.data["next"]
        self.history.add("caught_up", device=self.name, conn=conn)

    def _followed_page(self, reply: Answer, named: dict[str, int]) -> None:
        if reply.status == 200:
            self._take_page(reply.data, named)
            self._followed |= {self.person.id, *self.rooms}

    def _take_page(self, page: dict[str, Any], named: dict[str, int]) -> None:
        self._take_entry(self.person.id, page["inbox"])
        for entry in page["rooms"]:
            self.rooms.add(entry["id"])
            if entry["id"] in named:
                self._take_entry(entry["id"], entry)
            else:
                self._begin_at(entry["id"], entry["head"])
        for gone in page["removed"]:
            self.rooms.discard(gone["id"])

    def _take_entry(self, stream: str, entry: dict[str, Any]) -> None:
        for event in entry["events"]:
            self.apply(event, via="sync")
        if entry["limited"] or entry["reset"]:
            kind = "room.limited" if entry["limited"] else "room.reset"
            self._jump(stream, kind, entry["limited"] or {"head": entry["head"]})
        if entry.get("room"):
            self.rooms.add(stream)
        self.cursors[stream] = max(self.cursors[stream], entry["head"])

    async def hang_up(self) -> None:
        """Close the socket in good order; `live` opens another."""
        if self.socket is not None:
            await self.socket.close()
