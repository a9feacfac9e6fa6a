"""`python -m tests.bench.pairs TREE` compares this tree with another checkout: CPU and time per operation, in pairs.

TREE is a checkout with its own `.venv`. Both are black boxes: `manage.py serve` is started in each, with its own
interpreter, and measured over HTTP and websockets alone, so that the modules of the two may have other names. Both
servers run at once on one PostgreSQL and one Valkey, each on a database of its own, and take turns; every pair measures
both within a few seconds, so that a busy machine disturbs both alike. The table shows, for each workload, the CPU of
the server, the CPU of the database's backends, and the median time of an operation: the medians of both trees, and the
median ratio (this tree / other tree) with its quartiles. --list names the workloads, --workload picks some, and
--sqlite gives each server a file, without Redis.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson
import websockets

from tests.bench.arrivals import DEVICES, Devices
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.servers import Backing
from tests.servers import ROOT, ParleyServer
from tests.services import children_of

PASSWORD = "correct-horse-battery"
LISTENERS = 100
SENDERS = 64


def cpu_seconds(pids: Sequence[int]) -> float:
    """The time on a core of all threads of these processes so far, to the nanosecond."""
    spent = 0
    for schedule in (file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")):
        with suppress(OSError):  # the thread has just ended
            spent += int(schedule.read_text().split()[0])
    return spent / 1e9


class Tree(ParleyServer):
    """The server of a checkout, run by the interpreter of its own environment."""

    def __init__(self, folder: Path, backing: Backing, *, sqlite: bool = False) -> None:
        url, redis_url = ("", "") if sqlite else (backing.new_database(), backing.redis.url)
        super().__init__(url, redis_url, env={"LOG_LEVEL": "WARNING", "RATE_LIMITS": "0"})
        self._file = None  # the tree makes it by its own migrations
        self.tree, self.backing = folder, backing
        self.database = None if sqlite else f" {urlsplit(url).path[1:]} "
        self.environment.pop("PYTHONPATH", None)  # nothing of one tree may be imported by the other

    def backends(self) -> list[int]:
        """The processes of PostgreSQL that serve this server: each names its user and database."""
        found: list[int] = []
        if self.database is None:
            return found
        for pid in children_of(self.backing.postgres.pid):
            with suppress(OSError):  # the connection has just been closed
                if self.database in Path(f"/proc/{pid}/cmdline").read_text():
                    found.append(pid)
        return found

    def _command(self) -> list[str]:
        return [str(self.tree / ".venv/bin/python"), "manage.py", "serve"]

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "cwd": self.tree}


@dataclass
class Client:
    """One user of one server, with the rooms and sockets of the workloads."""

    server: Tree
    http: httpx.AsyncClient = field(init=False)
    token: str = ""
    room: str = ""
    rooms: list[str] = field(default_factory=list)
    listeners: list[websockets.ClientConnection] = field(default_factory=list)
    senders: list[websockets.ClientConnection] = field(default_factory=list)
    devices: Devices | None = None
    counter: itertools.count[int] = field(default_factory=itertools.count)
    times: list[float] = field(default_factory=list)  # of the operations, in seconds

    async def prepare(self) -> None:
        """Make a user, eleven rooms, and a history of a thousand messages in one of them."""
        self.http = httpx.AsyncClient(base_url=self.server.url, trust_env=False, timeout=60)
        body = {"username": f"u{uuid4().hex[:12]}", "password": PASSWORD}
        self.token = (await self.http.post("/v1/auth/register", json=body)).json()["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        for number in range(11):
            made = await self.http.post("/v1/rooms", json={"kind": "public", "name": f"Room {number}"})
            self.rooms.append(made.json()["id"])
        self.room = self.rooms.pop()
        async with self.connect() as socket:
            await self.read_until(socket, "hello")
            for _ in range(20):
                items = [{"client_id": uuid4().hex, "text": "A line of an ordinary length."} for _ in range(50)]
                await self.call(socket, "send_messages", room_id=self.room, items=items)

    async def with_devices(self) -> Devices:
        """Return the hundred devices, which are made for the first workload that has some."""
        if self.devices is None:
            self.devices = await Devices.make(self.server.url, self.server.ws_url)
        return self.devices

    def connect(self) -> Any:
        protocols = [websockets.Subprotocol("chat.v1"), websockets.Subprotocol(f"bearer.{self.token}")]
        return websockets.connect(
            f"{self.server.ws_url}/v1/ws", subprotocols=protocols, compression=None, ping_interval=None
        )

    async def timed(self, operation: Awaitable[Any]) -> None:
        """Wait for an operation, and note its time."""
        began = time.perf_counter()
        await operation
        self.times.append(time.perf_counter() - began)

    async def call(self, socket: websockets.ClientConnection, action: str, **body: Any) -> Any:
        request_id = str(next(self.counter))
        await socket.send(orjson.dumps({"action": action, "request_id": request_id, **body}).decode())
        while True:
            frame = orjson.loads(await socket.recv())
            if frame.get("request_id") == request_id:
                if frame["errors"]:
                    raise RuntimeError(frame["errors"])
                return frame["data"]

    @staticmethod
    async def read_until(socket: websockets.ClientConnection, action: str) -> None:
        while orjson.loads(await socket.recv())["action"] != action:
            pass

    def message(self) -> dict[str, str]:
        return {"client_id": uuid4().hex, "text": "A line of an ordinary length."}


async def lone_sends(client: Client, count: int) -> int:
    """Send one message after the other on one socket, to a room without subscriptions."""
    async with client.connect() as socket:
        await client.read_until(socket, "hello")
        for _ in range(count):
            await client.timed(client.call(socket, "send_message", room_id=client.rooms[0], **client.message()))
    return count


async def rest_sends(client: Client, count: int) -> int:
    """One send after the other by REST."""

    async def send() -> None:
        (await client.http.post(f"/v1/rooms/{client.rooms[0]}/messages", json=client.message())).raise_for_status()

    for _ in range(count):
        await client.timed(send())
    return count


async def crowded_sends(client: Client, count: int) -> int:
    """64 sockets that each send the next message when the last is acknowledged, to four rooms.

    One socket cannot do this: it processes the sends to a room one after another, each with a commit of its own.
    """
    while len(client.senders) < SENDERS:
        client.senders.append(await client.connect())
        await client.read_until(client.senders[-1], "hello")

    async def send(number: int, socket: websockets.ClientConnection) -> None:
        for _ in range(count // SENDERS):
            room_id = client.rooms[1 + number % 4]
            await client.timed(client.call(socket, "send_message", room_id=room_id, **client.message()))

    await asyncio.gather(*(send(number, socket) for number, socket in enumerate(client.senders)))
    return count // SENDERS * SENDERS


async def deliveries(client: Client, count: int) -> int:
    """A send at a time to a room with a hundred sockets, in CPU for each delivery, the send itself included."""
    if not client.listeners:
        client.listeners = [await client.connect() for _ in range(LISTENERS)]
        for socket in client.listeners:
            await client.read_until(socket, "hello")
            await client.call(socket, "subscribe", room_id=client.rooms[9])
            await client.read_until(socket, "events")
    async with client.connect() as sender:
        await client.read_until(sender, "hello")
        for _ in range(count):
            await client.call(sender, "send_message", room_id=client.rooms[9], **client.message())
            await asyncio.gather(*(client.read_until(socket, "events") for socket in client.listeners))
    return count * LISTENERS


async def connects(client: Client, count: int) -> int:
    """Connect, authenticate and subscribe to ten rooms, alone."""
    for _ in range(count):
        async with client.connect() as socket:
            await client.read_until(socket, "hello")
            for room in client.rooms:
                await client.call(socket, "subscribe", room_id=room)
    return count


async def connects_at_once(client: Client, count: int) -> int:
    """Connect, authenticate and subscribe to ten rooms with frames sent together, in a crowd."""
    return await (await client.with_devices()).arrive(ParleyDialect(), count, at_once=True)


async def lone_connects(client: Client, count: int) -> int:
    """The same as `connects_at_once`, one device after the other."""
    return await (await client.with_devices()).arrive(ParleyDialect(), count, at_once=False)


async def returns_at_once(client: Client, count: int) -> int:
    """Connect and catch up by a `sync` that subscribes, with 200 missed events, in a crowd."""
    devices = await client.with_devices()
    return await devices.arrive(devices.returning(by_sync=True), count, at_once=True)


async def lone_returns(client: Client, count: int) -> int:
    """The same as `returns_at_once`, one device after the other."""
    devices = await client.with_devices()
    return await devices.arrive(devices.returning(by_sync=True), count, at_once=False)


async def returns_by_subscribe(client: Client, count: int) -> int:
    """Connect and catch up by ten subscribes, with 200 missed events, in a crowd."""
    devices = await client.with_devices()
    return await devices.arrive(devices.returning(by_sync=False), count, at_once=True)


async def pages(client: Client, count: int) -> int:
    """A page of fifty messages of history."""
    for _ in range(count):
        (await client.http.get(f"/v1/rooms/{client.room}/messages?limit=50")).raise_for_status()
    return count


async def syncs(client: Client, count: int) -> int:
    """The first sync of a device with eleven rooms."""
    for _ in range(count):
        (await client.http.post("/v1/sync", json={})).raise_for_status()
    return count


WORKLOADS: dict[str, tuple[Callable[[Client, int], Awaitable[int]], int]] = {
    "a lone send, socket": (lone_sends, 300),
    "a lone send, REST": (rest_sends, 200),
    "a send of 64 at once": (crowded_sends, 640),
    "a delivery to one of 100": (deliveries, 100),
    "connect and ten subscribes": (connects, 40),
    "a connect with ten subscribes, in a crowd": (connects_at_once, 3 * DEVICES),
    "a connect with ten subscribes, alone": (lone_connects, 60),
    "a return with 200 missed by sync, in a crowd": (returns_at_once, 2 * DEVICES),
    "a return with 200 missed by sync, alone": (lone_returns, 40),
    "a return with 200 missed by subscribe, in a crowd": (returns_by_subscribe, 2 * DEVICES),
    "a page of history": (pages, 250),
    "a sync of eleven rooms": (syncs, 80),
}


MEASURES = {"CPU of the server, us": 1e6, "CPU of the database, us": 1e6, "time, p50, ms": 1e3}


async def cost(client: Client, workload: Callable[[Client, int], Awaitable[int]], count: int) -> list[float]:
    """The measures for each operation, in seconds; the background work of the server is included.

    A workload without times of its operations has no time.
    """
    assert client.server.process is not None
    server, backends = [client.server.process.pid], client.server.backends()
    client.times.clear()
    before = cpu_seconds(server), cpu_seconds(backends)
    done = await workload(client, count)
    spent = [(cpu_seconds(server) - before[0]) / done, (cpu_seconds(backends) - before[1]) / done]
    return [*spent, *([statistics.median(client.times)] if client.times else [])]


async def compare(other: Path, pairs: int, workloads: Sequence[str], *, sqlite: bool) -> None:
    """Print a row for each workload and measure."""
    backing = Backing()
    clients = [Client(Tree(folder, backing, sqlite=sqlite)) for folder in (ROOT, other)]
    try:
        for client in clients:
            client.server.start()
            await client.prepare()
        print(f"| workload | measure | this tree | other | ratio, median | quartiles |\n|{'---|' * 6}", flush=True)
        for name in workloads:
            workload, count = WORKLOADS[name]
            for client in clients:
                await cost(client, workload, count)  # warm
            results: list[list[tuple[float, float]]] = []
            for number in range(pairs):
                order = clients if number % 2 else clients[::-1]
                measured = {id(client): await cost(client, workload, count) for client in order}
                results.append(list(zip(*(measured[id(client)] for client in clients), strict=True)))
            for (measure, unit), rows in zip(MEASURES.items(), zip(*results, strict=True), strict=False):
                if not any(that for _, that in rows):  # SQLite has no processes
                    continue
                low, middle, high = statistics.quantiles([this / that for this, that in rows], n=4)
                this, that = (statistics.median(column) * unit for column in zip(*rows, strict=True))
                quartiles = f"{low:.3f} to {high:.3f}"
                print(f"| {name} | {measure} | {this:,.2f} | {that:,.2f} | {middle:.3f} | {quartiles} |", flush=True)
    finally:
        for client in clients:
            for socket in (*client.listeners, *client.senders):
                await socket.close()
            client.server.stop()
        backing.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pairs", description=__doc__)
    parser.add_argument("tree", type=Path, nargs="?", help="the other checkout")
    parser.add_argument("--pairs", type=int, default=10, help="how often each is measured; default %(default)s")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite")
    parser.add_argument("--list", action="store_true", help="name the workloads")
    parser.add_argument(
        "--workload", nargs="+", default=[""], metavar="PART", help="those whose names hold such a part"
    )
    options = parser.parse_args()
    chosen = [name for name in WORKLOADS if any(part in name for part in options.workload)]
    if options.list:
        print("\n".join(WORKLOADS))
        sys.exit()
    if not chosen:
        parser.error("no workload has such a name; --list names them")
    if options.tree is None:
        parser.error("name the other checkout")
    if not (options.tree / ".venv/bin/python").exists():
        sys.exit(f"{options.tree} has no .venv: run `make .venv/.synced` there.")
    began = time.perf_counter()
    asyncio.run(compare(options.tree.resolve(), options.pairs, chosen, sqlite=options.sqlite))
    load = subprocess.run(["uptime"], capture_output=True, text=True, check=False).stdout.strip()
    print(f"{options.pairs} pairs in {time.perf_counter() - began:.0f} s; {load}")
