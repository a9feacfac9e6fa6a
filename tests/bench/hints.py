"""The delay of an event to a socket of another process, beside one of the sender's own: one message after the other.

python -m tests.bench.hints
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

import orjson
import websockets

from tests.bench.pairs import Client, Tree
from tests.bench.servers import Backing
from tests.servers import ROOT, prepare

SENDS = 500
PAUSE_SECONDS = 0.01  # a phone sends alone


async def arrival(socket: websockets.ClientConnection, client_id: str) -> float:
    """Return the time at which the event with this message comes."""
    while True:
        frame = orjson.loads(await socket.recv())
        if frame["action"] == "events" and any(event["data"].get("client_id") == client_id for event in frame["data"]):
            return time.perf_counter()


async def measure(own: Tree, other: Tree) -> None:
    """Print the times from a send to its event, in milliseconds."""
    client, there = Client(own), Client(other)
    await client.prepare()
    there.token = client.token
    delays: tuple[list[float], list[float]] = ([], [])
    async with client.connect() as sender, client.connect() as near, there.connect() as far:
        for socket in (near, far):
            await client.read_until(socket, "hello")
            await client.call(socket, "subscribe", room_id=client.room)
        await client.read_until(sender, "hello")
        for _ in range(SENDS):
            message, began = client.message(), time.perf_counter()
            arrivals = asyncio.gather(*[arrival(socket, message["client_id"]) for socket in (near, far)])
            await client.call(sender, "send_message", room_id=client.room, **message)
            for times, arrived in zip(delays, await arrivals, strict=True):
                times.append((arrived - began) * 1e3)
            await asyncio.sleep(PAUSE_SECONDS)
    for name, times in zip(("the sender's process", "another process"), delays, strict=True):
        tenths = statistics.quantiles(times, n=100)
        print(f"to a socket of {name}: p50 {statistics.median(times):.1f}, p99 {tenths[98]:.1f} ms, {SENDS} sends")
    await client.http.aclose()


def main() -> int:
    """Run both servers on one database and one Valkey."""
    backing = Backing()
    own = Tree(ROOT, backing)
    other = Tree(ROOT, backing)
    other.environment["DATABASE_URL"] = own.environment["DATABASE_URL"]
    try:
        prepare(own.environment["DATABASE_URL"])
        with own, other:
            asyncio.run(measure(own, other))
    finally:
        backing.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
