"""The attacks: what one client, or one address, can do without a pause. Each is a row of the table."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

import httpx
import orjson
import websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.sockets import TLS

PASSWORD = "correct horse battery"
Bound = Literal["account", "address", "handshakes", "hashing", "storm"]


@dataclass
class Attacker:
    """A client that never pauses. It counts its answers by status, or by the close code of its socket."""

    url: str
    world: dict[str, Any]
    user: int
    address: str
    until: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    numbers: Any = field(default_factory=itertools.count)

    @property
    def token(self) -> str:
        return str(self.world["tokens"][self.user])

    @property
    def room(self) -> str:
        return str(self.world["own"][self.user - 3])

    async def rest(self, connections: int, call: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]) -> None:
        """Send the next request when the last is answered, on several connections."""
        headers = {"X-Forwarded-For": self.address, "Authorization": f"Bearer {self.token}"}

        async def run() -> None:
            async with httpx.AsyncClient(
                base_url=self.url, headers=headers, trust_env=False, timeout=60, verify=TLS
            ) as http:
                while time.monotonic() < self.until:
                    try:
                        self.counts[str((await call(http)).status_code)] += 1
                    except httpx.HTTPError as error:
                        self.counts[type(error).__name__] += 1
                        await asyncio.sleep(0.1)

        await asyncio.gather(*(run() for _ in range(connections)))

    def connect(self, token: str | None = None, path: str = "/v1/ws") -> Any:
        """A socket of this client, or of another token; "" sends none."""
        headers = {"X-Forwarded-For": self.address}
        if token != "":
            headers["Authorization"] = f"Bearer {token or self.token}"
        url = self.url.replace("http", "ws", 1) + path
        return websockets.connect(
            url, additional_headers=headers, compression=None, ping_interval=None, max_size=None, open_timeout=30
        )

    async def socket(self, connections: int, frame: Callable[[], dict[str, Any]], in_flight: int = 8) -> None:
        """Keep several frames in flight on each socket, and connect again at once when it is closed."""

        async def run() -> None:
            while time.monotonic() < self.until:
                try:
                    async with self.connect() as socket:
                        await self._flood(socket, frame, in_flight)
                except ConnectionClosed as closed:
                    self.counts[str(closed.rcvd.code if closed.rcvd else 1006)] += 1
                except (OSError, InvalidHandshake, TimeoutError) as error:
                    self.counts[type(error).__name__] += 1

        await asyncio.gather(*(run() for _ in range(connections)))

    async def _flood(self, socket: Any, frame: Callable[[], dict[str, Any]], in_flight: int) -> None:
        for _ in range(in_flight):
            await socket.send(orjson.dumps({"request_id": next(self.numbers), **frame()}).decode())
        while time.monotonic() < self.until:
            answer = orjson.loads(await socket.recv())
            if "response_status" in answer:
                self.counts[str(answer["response_status"])] += 1
                await socket.send(orjson.dumps({"request_id": next(self.numbers), **frame()}).decode())


@dataclass(frozen=True)
class Attack:
    """A row: the attack, the number of its user in the world, and the bound that it must not exceed.

    `prepare` runs before the measurement.
    """

    name: str
    user: int
    bound: Bound
    run: Callable[[Attacker], Awaitable[None]]
    prepare: Callable[[Attacker], Awaitable[None]] | None = None


def message() -> dict[str, str]:
    return {"client_id": uuid4().hex, "text": "A line of an ordinary length."}


BOMB = {f"unknown-{number}": number for number in range(250)}


async def log_in(who: Attacker) -> None:
    def body() -> dict[str, str]:
        return {"username": f"nobody-{next(who.numbers)}", "password": PASSWORD}

    await who.rest(8, lambda http: http.post("/v1/auth/login", json=body(), headers={"Authorization": ""}))


async def register(who: Attacker) -> None:
    def body() -> dict[str, str]:
        return {"username": f"new-{uuid4().hex[:12]}", "password": PASSWORD}

    await who.rest(8, lambda http: http.post("/v1/auth/register", json=body(), headers={"Authorization": ""}))


async def log_in_from_everywhere(who: Attacker) -> None:
    def headers() -> dict[str, str]:
        number = next(who.numbers)
        return {"Authorization": "", "X-Forwarded-For": f"198.18.{number // 250 % 250}.{number % 250}"}

    def body() -> dict[str, str]:
        return {"username": f"nobody-{next(who.numbers)}", "password": PASSWORD}

    await who.rest(40, lambda http: http.post("/v1/auth/login", json=body(), headers=headers()))


async def change_password(who: Attacker) -> None:
    body = {"old": "wrong horse battery", "new": "another horse battery"}
    await who.rest(8, lambda http: http.post("/v1/auth/password", json=body))


async def create_rooms(who: Attacker) -> None:
    members = who.world["users"][50:149]
    body = {"kind": "private", "name": "Crowd", "members": members}
    await who.rest(4, lambda http: http.post("/v1/rooms", json=body))


async def sync_all(who: Attacker) -> None:
    cursors = {str(room): 0 for room in who.world["heavy"]}
    await who.rest(4, lambda http: http.post("/v1/sync", json={"rooms": cursors}))


async def doors(who: Attacker) -> None:
    async def run() -> None:
        while time.monotonic() < who.until:
            try:
                async with who.connect(path=f"/ws/chat/door-{uuid4().hex[:12]}/") as socket:
                    await asyncio.wait_for(socket.recv(), 0.05)
            except (TimeoutError, ConnectionClosed, OSError, InvalidHandshake) as error:
                who.counts[type(error).__name__] += 1

    await asyncio.gather(*(run() for _ in range(4)))


def handshakes(connections: int, token: Callable[[], str]) -> Callable[[Attacker], Awaitable[None]]:
    async def run(who: Attacker) -> None:
        async def connect() -> None:
            while time.monotonic() < who.until:
                try:
                    async with who.connect(token()) as socket:
                        await socket.recv()
                        who.counts["opened"] += 1
                except InvalidStatus as refusal:
                    status = refusal.response.status_code
                    who.counts["refused" if status == 429 else str(status)] += 1
                except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
                    who.counts[type(error).__name__] += 1

        await asyncio.gather(*(connect() for _ in range(connections)))

    return run


def invented_token() -> str:
    return "prl_" + uuid4().hex


async def use_up_handshakes(who: Attacker) -> None:
    """Connect with invented tokens until the server refuses it in HTTP; without limits it never does."""
    for _ in range(200):
        try:
            async with who.connect(invented_token()) as socket:
                await socket.wait_closed()
        except InvalidHandshake:
            return


async def subscribe(who: Attacker) -> None:
    turn = itertools.cycle(["subscribe", "unsubscribe"])
    await who.socket(4, lambda: {"action": next(turn), "room_id": who.room})


async def come_back(who: Attacker) -> None:
    """A thousand devices connect at once; each one that is refused returns after the time that it was told."""

    async def run(number: int) -> None:
        while time.monotonic() < who.until:
            try:
                async with who.connect(who.world["tokens"][number % 150]) as socket:
                    told = orjson.loads(await socket.recv())
                    if told["action"] == "hello":
                        who.counts["served"] += 1
                        await asyncio.sleep(max(0.0, who.until - time.monotonic()))
                        return
                    who.counts[str(told["data"]["code"])] += 1
                    await asyncio.sleep(told["data"]["retry_after_ms"] / 1000)
            except InvalidStatus as refused:
                who.counts[str(refused.response.status_code)] += 1
                await asyncio.sleep(float(refused.response.headers["Retry-After"]))
            except (ConnectionClosed, OSError, TimeoutError) as error:
                who.counts[type(error).__name__] += 1
                await asyncio.sleep(1)

    await asyncio.gather(*(run(number) for number in range(1_000)))


def rest_of(connections: int, method: str, path: str, **options: Any) -> Callable[[Attacker], Awaitable[None]]:
    async def run(who: Attacker) -> None:
        await who.rest(connections, lambda http: http.request(method, path.replace("$room", who.room), **options))

    return run


def socket_of(connections: int, **frame: Any) -> Callable[[Attacker], Awaitable[None]]:
    async def run(who: Attacker) -> None:
        def make() -> dict[str, Any]:
            made = {name: who.room if value == "$room" else value for name, value in frame.items()}
            return made | ({"items": [message() for _ in range(50)]} if frame["action"] == "send_messages" else {})

        await who.socket(connections, make)

    return run


ATTACKS = [
    Attack("log in with unknown names, 8 connections", 20, "address", log_in),
    Attack("register, 8 connections", 21, "address", register),
    Attack("log in from 60,000 addresses, 40 connections", 22, "hashing", log_in_from_everywhere),
    Attack("guess the own password, 8 connections", 23, "account", change_password),
    Attack("sync and subscribe to 1,000 rooms, socket", 0, "account", socket_of(4, action="sync", subscribe=True)),
    Attack("sync from cursors 0 of 1,000 rooms, REST", 1, "account", sync_all),
    Attack("sync {} of 1,000 rooms, REST", 2, "account", rest_of(4, "POST", "/v1/sync", json={})),
    Attack("create rooms with 99 members", 4, "account", create_rooms),
    Attack("search the directory without a match", 5, "account", rest_of(4, "GET", "/v1/rooms/directory?q=zzzzqqq")),
    Attack("a page of the directory", 6, "account", rest_of(4, "GET", "/v1/rooms/directory?limit=100")),
    Attack("a page of rooms", 0, "account", rest_of(4, "GET", "/v1/rooms?limit=100")),
    Attack("the door of a new room each", 7, "account", doors),
    Attack("250 unknown keys, REST", 8, "account", rest_of(4, "PATCH", "/v1/me", json=BOMB)),
    Attack("250 unknown keys, socket", 9, "account", socket_of(4, action="mark_read", room_id="$room", **BOMB)),
    Attack("change the profile", 10, "account", rest_of(4, "PATCH", "/v1/me", json={"display_name": "Mallory"})),
    Attack("history, 100 messages of 7 KB", 3, "account", rest_of(4, "GET", "/v1/rooms/$room/messages?limit=100")),
    Attack("send batches of 50", 11, "account", socket_of(4, action="send_messages", room_id="$room", items=[])),
    Attack("a page of events, socket", 3, "account", socket_of(4, action="get_events", room_id="$room", after=0)),
    Attack("search users", 12, "account", rest_of(4, "GET", "/v1/users?q=user&limit=100")),
    Attack("handshakes with invented tokens", 24, "address", handshakes(8, invented_token)),
    Attack("requests without a token", 25, "address", rest_of(8, "GET", "/v1/me", headers={"Authorization": ""})),
    Attack(
        "requests with an invented token",
        26,
        "address",
        rest_of(8, "GET", "/v1/me", headers={"Authorization": "Bearer prl_x"}),
    ),
    Attack("typing", 13, "account", socket_of(4, action="typing", room_id="$room", on=True)),
    Attack("subscribe and unsubscribe", 14, "account", subscribe),
    Attack("pings", 15, "account", socket_of(4, action="ping")),
    Attack("a storm of 1,000 returning devices", 17, "storm", come_back),
    Attack("requests that are refused, REST", 16, "account", rest_of(16, "GET", "/v1/users?q=nobody")),
    Attack("handshakes without a token", 27, "address", handshakes(200, str)),
    Attack("a flood of refused handshakes", 28, "handshakes", handshakes(100, invented_token), use_up_handshakes),
]
