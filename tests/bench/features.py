"""The cost of a conversation's features beside that of the plain operation, on one server, in interleaved pairs.

    python -m tests.bench.features [--pairs 10]

Each pair is two runs directly after each other, in turn; the machine may be busy. The figures are those of
tests/bench/pairs.py: CPU of the server and of its backends, and the median time, for each operation.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import uuid4

import httpx
import orjson

from tests.bench.pairs import MEASURES, SENDERS, Client, Tree, cost, lone_sends
from tests.bench.servers import Backing
from tests.servers import ROOT

Workload = Callable[[Client, int], Awaitable[int]]

PAGE = 50
BLOCKS = 100
KEYS = (":tea:", ":cake:")


async def lone_reactions(client: Client, count: int, message_id: str) -> int:
    """Add a reaction to one message and remove it, one after the other, on one socket."""
    async with client.connect() as socket:
        await client.read_until(socket, "hello")
        body = {"room_id": client.rooms[0], "message_id": message_id, "key": ":cake:"}
        for number in range(count):
            await client.timed(client.call(socket, "react", **body, on=number % 2 == 0))
    return count


async def together(client: Client, count: int, action: str, message_ids: list[str]) -> int:
    """64 sockets that each send, or react, again when the last is acknowledged, in one room."""
    while len(client.senders) < SENDERS:
        client.senders.append(await client.connect())
        await client.read_until(client.senders[-1], "hello")

    async def work(place: int) -> None:
        for number in range(count // SENDERS):
            body = {"message_id": message_ids[place % len(message_ids)], "key": f":k{place}:", "on": number % 2 == 0}
            more = body if action == "react" else client.message()
            await client.timed(client.call(client.senders[place], action, room_id=client.rooms[1], **more))

    began = time.perf_counter()
    await asyncio.gather(*map(work, range(SENDERS)))
    print(f"   {action}: {count // SENDERS * SENDERS / (time.perf_counter() - began):,.0f} a second", flush=True)
    return count // SENDERS * SENDERS


async def pages(client: Client, count: int, room_id: str) -> int:
    """The newest page of a room's history."""
    for _ in range(count):
        (await client.http.get(f"/v1/rooms/{room_id}/messages?limit={PAGE}")).raise_for_status()
    return count


async def send_all(http: httpx.AsyncClient, room_id: str, count: int, **more: object) -> list[str]:
    """Send messages; return their ids."""
    ids = []
    for _ in range(count):
        body = {"client_id": uuid4().hex, "text": "A line of an ordinary length.", **more}
        ids.append((await http.post(f"/v1/rooms/{room_id}/messages", json=body)).raise_for_status().json()["id"])
    return ids


async def fill_room(viewer: Client) -> str:
    """Make a page of messages with reactions and replies in threads, for a viewer who blocks a hundred users.

    One in ten messages is of a blocked user.
    """
    plan = orjson.dumps({"users": BLOCKS, "rooms": []})
    command = [sys.executable, "-m", "tests.bench.seed"]
    environment = viewer.server.environment
    seed = partial(subprocess.run, command, input=plan, cwd=ROOT, env=environment, check=True, capture_output=True)
    made = await asyncio.to_thread(seed)
    others = orjson.loads(made.stdout)["users"]
    room_id: str = viewer.rooms[2]
    headers = {"Authorization": f"Bearer {others[0]['token']}"}
    async with httpx.AsyncClient(base_url=viewer.server.url, trust_env=False, timeout=60, headers=headers) as blocked:
        (await blocked.post(f"/v1/rooms/{room_id}/join", json={})).raise_for_status()
        for number in range(PAGE):
            [root] = await send_all(blocked if number % 10 == 0 else viewer.http, room_id, 1)
            await send_all(viewer.http, room_id, 1, thread_root=root)
            for key in KEYS:
                path = f"/v1/rooms/{room_id}/messages/{root}/reactions/{key}"
                (await viewer.http.put(path)).raise_for_status()
    for other in others:
        (await viewer.http.put(f"/v1/me/blocks/{other['id']}")).raise_for_status()
    return room_id


async def compare(pairs: int) -> None:
    """Print a row for each feature and measure."""
    backing = Backing()
    server = Tree(ROOT, backing)
    plain, viewer = Client(server), Client(server)
    try:
        server.start()
        for client in (plain, viewer):
            await client.prepare()
        full = await fill_room(viewer)
        [alone], message_ids = await send_all(plain.http, plain.rooms[0], 1), []
        message_ids = await send_all(plain.http, plain.rooms[1], PAGE)
        one = partial(lone_reactions, message_id=alone), plain
        rows: dict[str, tuple[tuple[Workload, Client], tuple[Workload, Client], int]] = {
            "a lone reaction / a lone send": (one, (lone_sends, plain), 200),
            "a reaction / a send, of 64 at once in one room": (
                (partial(together, action="react", message_ids=message_ids), plain),
                (partial(together, action="send_message", message_ids=message_ids), plain),
                640,
            ),
            "a page with reactions, threads and 100 blocks / a plain page": (
                (partial(pages, room_id=full), viewer),
                (partial(pages, room_id=plain.room), plain),
                150,
            ),
        }
        print(f"| workload | measure | with | plain | ratio, median | quartiles |\n|{'---|' * 6}", flush=True)
        for name, (feature, base, count) in rows.items():
            for workload, client in (feature, base):
                await cost(client, workload, count)  # warm
            results = []
            for number in range(pairs):
                order = (feature, base) if number % 2 else (base, feature)
                measured = {id(each): await cost(each[1], each[0], count) for each in order}
                results.append(list(zip(measured[id(feature)], measured[id(base)], strict=False)))
            for (measure, unit), found in zip(MEASURES.items(), zip(*results, strict=True), strict=False):
                low, middle, high = statistics.quantiles([this / that for this, that in found], n=4)
                this, that = (statistics.median(column) * unit for column in zip(*found, strict=True))
                quartiles = f"{low:.3f} to {high:.3f}"
                print(f"| {name} | {measure} | {this:,.2f} | {that:,.2f} | {middle:.3f} | {quartiles} |", flush=True)
    finally:
        for socket in plain.senders:
            await socket.close()
        server.stop()
        backing.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.features", description=__doc__)
    parser.add_argument("--pairs", type=int, default=10, help="how often each is measured; default %(default)s")
    asyncio.run(compare(parser.parse_args().pairs))
    print(subprocess.run(["uptime"], capture_output=True, text=True, check=False).stdout.strip())
