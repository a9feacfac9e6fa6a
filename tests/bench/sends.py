"""Durable sends: each sender sends the next message when the last is acknowledged, to one busy room or to many."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx

from tests.bench.crowd import Crowd, Peer
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.fanout import percentiles
from tests.bench.processes import cpu_seconds
from tests.bench.results import Row, median
from tests.bench.servers import Parley, Seeded

SENDERS = 64
RUNS = 3
LONE = "a lone send, one after the other"


class Senders:
    """Everybody sends until the time is over, one message at a time each."""

    def __init__(self, crowd: Crowd, peers: Sequence[Peer], rooms: Sequence[str]) -> None:
        self.crowd, self.rooms = crowd, rooms
        self.peers = {f"s{number}": peer for number, peer in enumerate(peers)}
        self.until, self.waiting = 0.0, 0
        self.quiet = asyncio.Event()
        crowd.on_acknowledged = self._go_on

    async def run(self, seconds: float) -> int:
        """Sends for a while; returns the number of acknowledged messages."""
        self.crowd.clear()
        self.until, self.waiting = time.perf_counter() + seconds, len(self.peers)
        self.quiet.clear()
        for sender in self.peers:
            self._send(sender)
        async with asyncio.timeout(seconds + 30):
            await self.quiet.wait()
        return len(self.crowd.ack_ns)

    def _send(self, sender: str) -> None:
        self.crowd.send_message(self.peers[sender], sender, self.rooms[int(sender[1:]) % len(self.rooms)], 0)

    def _go_on(self, sender: str) -> None:
        if time.perf_counter() < self.until:
            self._send(sender)
            return
        self.waiting -= 1
        if not self.waiting:
            self.quiet.set()


async def heads(parley: Parley, seeded: Seeded) -> int:
    """The sum of the rooms' heads, which is the number of events in the log."""
    async with httpx.AsyncClient(base_url=parley.process.url, trust_env=False) as http:
        total = 0
        for place, room in enumerate(seeded.rooms):
            headers = {"Authorization": f"Bearer {seeded.users[place % len(seeded.users)]['token']}"}
            answer = await http.get(f"/v1/rooms/{room}", headers=headers)
            total += answer.raise_for_status().json()["head"]
    return total


async def measure(
    parley: Parley, pids: Sequence[int], name: str, rooms: int, *, count: int = SENDERS, seconds: float = 2.0
) -> list[Row]:
    """Acknowledged sends per second of `count` senders; every acknowledged one is then looked for in the log."""
    seeded = parley.seed(count, [list(range(room, count, rooms)) for room in range(rooms)])
    crowd = Crowd(parley.process.ws_url, ParleyDialect())
    peers = await crowd.join([user["token"] for user in seeded.users], [[]] * count)
    senders = Senders(crowd, peers, seeded.rooms)
    await senders.run(0.5)
    before = await heads(parley, seeded)
    place = "one room" if rooms == 1 else f"{rooms} rooms"
    (sent, refused), row = await timed(
        senders,
        [parley.process.pid],
        pids,
        seconds,
        workload=LONE if count == 1 else f"durable sends, {count} senders, {place}",
        server=name,
        family="" if count == 1 else "durable sends, by rooms",
        size=rooms,
        is_baseline=parley.patch == "unbatched" and not parley.sqlite,
    )
    kept = await heads(parley, seeded) - before
    await crowd.close()
    if not sent <= kept <= sent + refused or crowd.errors:  # a send that was rejected as too late may be stored
        raise AssertionError(f"{name}: {sent} acknowledged, {kept} in the log; {crowd.errors[:3]}")
    return [row]


async def timed(
    senders: Senders, pids: Sequence[int], backing: Sequence[int], seconds: float, **row: Any
) -> tuple[tuple[int, int], Row]:
    """Let them send for a while, several times; the acknowledged and the refused messages, and the row."""
    crowd, sent, refused = senders.crowd, 0, 0
    rates, cpus, backings, p50s, p99s = [], [], [], [], []
    for _ in range(RUNS):
        cpu, backs, began = cpu_seconds(pids), cpu_seconds(backing), time.perf_counter()
        done = await senders.run(seconds)
        elapsed = time.perf_counter() - began
        sent, refused = sent + done, refused + crowd.refused
        rates.append(done / elapsed)
        cpus.append((cpu_seconds(pids) - cpu) / done * 1e6)
        backings.append((cpu_seconds(backing) - backs) / done * 1e6)
        p50, p99 = percentiles(crowd.ack_ns)
        p50s.append(p50)
        p99s.append(p99)
    return (sent, refused), Row(
        operation="acknowledged send",
        cpu_us=median(cpus),
        per_second=median(rates),
        p50_ms=median(p50s),
        p99_ms=median(p99s),
        backing_us=median(backings),
        note=f"{refused:,} refused (503)" if refused else "",
        runs_us=cpus,
        **row,
    )
