"""Sockets: the cost of connecting, of an idle socket, and of reconnecting."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.bench.crowd import Crowd
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.dialects import PeerState
from tests.bench.patched import COUNTERS, COUNTS
from tests.bench.processes import cpu_seconds, rss_bytes
from tests.bench.results import Row
from tests.bench.servers import Backing, Parley, Seeded

ROOMS_OF_EACH = 10
SPREAD = 10  # rooms for each of a socket's ten, so that a room has a tenth of the sockets
MISSED = 5  # messages of each room while everybody is away
MISSED_BY_ONE = 20  # of each room, for a device that returns alone
CATCH_UP_SECONDS = 60.0


class Returning(ParleyDialect):
    """A device that reconnects: it subscribes after the seqs that it has, or sends one `sync` for all rooms."""

    def __init__(self, seqs: dict[str, int], by_sync: bool) -> None:
        self.seqs, self.by_sync = seqs, by_sync

    def read(self, payload: bytes) -> tuple[Sequence[str], Any]:
        frame = orjson.loads(payload)
        if frame["action"] != "sync" or frame["response_status"] != 200:
            return super().read(payload)
        events = [event for room in frame["data"]["rooms"] for event in room["events"]]
        return [event["data"]["text"] for event in events if event["type"] == "message.created"], frame

    def receive(self, peer: PeerState, frame: Any) -> None:
        if frame["action"] == "sync":
            assert frame["response_status"] == 200, frame
            peer.be_ready()
        elif frame["action"] != "hello":
            super().receive(peer, frame)
        elif self.by_sync:
            rooms = {room: self.seqs[room] for room in peer.rooms}
            body = {"action": "sync", "request_id": "back", "rooms": rooms, "epoch": 1, "subscribe": True}
            peer.send_text(orjson.dumps(body))
        else:
            for room in peer.rooms:
                body = {"action": "subscribe", "request_id": room, "room_id": room, "after": self.seqs[room]}
                peer.send_text(orjson.dumps(body))


def plan(sockets: int) -> list[list[int]]:
    """The members of a hundred rooms: each socket is in ten of them, one of each ten; the last member only sends."""
    rooms = ROOMS_OF_EACH * SPREAD
    return [[*range(room % SPREAD, sockets, SPREAD), sockets] for room in range(rooms)]


def rooms_of(seeded: Seeded, number: int) -> list[str]:
    """The ten rooms of a socket."""
    return seeded.rooms[number % SPREAD :: SPREAD]


async def measure(backing: Backing, server: str, name: str, sockets: int, *, cut: bool = True) -> list[Row]:
    """All sockets connect, are cut off, and reconnect by `subscribe` and by `sync`."""
    parley = start_counted(backing, server)
    try:
        seeded = parley.seed(sockets + 1, plan(sockets))
        rows = await arrive(parley, backing, name, seeded, sockets)
        if cut:
            for by_sync in (False, True):
                rows.append(await come_back(parley, backing, name, seeded, sockets, by_sync))
        return rows
    finally:
        parley.process.stop()


def start_counted(backing: Backing, server: str) -> Parley:
    """A Parley that counts its queries."""
    counts = backing.redis.folder / f"counts-{time.monotonic_ns()}"
    counts.write_bytes(bytes(COUNTERS.size))
    return Parley(backing, server, patch="counted", env={COUNTS: os.fspath(counts)})


def queries(parley: Parley) -> tuple[int, int]:
    """All queries so far, and those that read the log."""
    total, of_log = COUNTERS.unpack(Path(parley.process.environment[COUNTS]).read_bytes())
    return total, of_log


async def arrive(parley: Parley, backing: Backing, name: str, seeded: Seeded, sockets: int) -> list[Row]:
    """Connect, authenticate and subscribe; then measure the memory of each idle socket."""
    pids, tokens = [parley.process.pid], [user["token"] for user in seeded.users]
    crowd = Crowd(parley.process.ws_url, ParleyDialect())
    await crowd.join(tokens[:20], [rooms_of(seeded, number) for number in range(20)])
    await crowd.close()
    cpu, rss, backs, began = cpu_seconds(pids), rss_bytes(pids), cpu_seconds(backing.pids), time.perf_counter()
    await crowd.join(tokens[:sockets], [rooms_of(seeded, number) for number in range(sockets)])
    elapsed = time.perf_counter() - began
    cpu, backs = cpu_seconds(pids) - cpu, cpu_seconds(backing.pids) - backs
    await asyncio.sleep(2)  # idle: the memory of the handshakes is released
    kilobytes = (rss_bytes(pids) - rss) / sockets / 1024
    await crowd.close()
    if crowd.errors:
        raise AssertionError(crowd.errors[:3])
    each = Row(
        workload=f"{sockets:,} sockets come, {ROOMS_OF_EACH} rooms each",
        server=name,
        operation="connect + authenticate + subscribe to 10",
        cpu_us=cpu / sockets * 1e6,
        per_second=sockets / elapsed,
        backing_us=backs / sockets * 1e6,
        note=f"{kilobytes:.0f} KB RSS per idle socket",
        family="connects, by sockets",
        size=sockets,
    )
    return [each]


class CountedSync(Returning):
    """A device that returns, and counts the messages of its sync without comparing them with those that were sent."""

    def read(self, payload: bytes) -> tuple[Sequence[str], Any]:
        texts, frame = super().read(payload)
        if frame is not None and frame["action"] == "sync" and len(texts) != ROOMS_OF_EACH * MISSED_BY_ONE:
            raise AssertionError(f"{len(texts)} messages were synced")
        return (), frame


async def come_back(parley: Parley, backing: Backing, name: str, seeded: Seeded, sockets: int, by_sync: bool) -> Row:
    """Cut all sockets at once, send messages to each room, and let all reconnect and receive the missed messages."""
    pids, tokens = [parley.process.pid], [user["token"] for user in seeded.users]
    everybody = [rooms_of(seeded, number) for number in range(sockets)]
    crowd = Crowd(parley.process.ws_url, ParleyDialect())
    await crowd.join(tokens[:sockets], everybody)
    seqs = await heads_of(crowd, tokens[sockets], seeded)
    crowd.deliveries = 0
    for peer in crowd.peers[:sockets]:
        peer.close()
    await send_missed_messages(crowd, seeded, sockets)
    crowd.dialect = Returning(seqs, by_sync)
    crowd.clear()
    (total, of_log), cpu, backs = queries(parley), cpu_seconds(pids), cpu_seconds(backing.pids)
    began, caught_up = time.perf_counter(), asyncio.Event()
    crowd.on_delivered = lambda _: None if crowd.pending else caught_up.set()
    await crowd.join(tokens[:sockets], everybody)
    async with asyncio.timeout(CATCH_UP_SECONDS):
        await caught_up.wait()
    elapsed = time.perf_counter() - began
    total_after, of_log_after = queries(parley)
    cpu, backs = cpu_seconds(pids) - cpu, cpu_seconds(backing.pids) - backs
    received = crowd.deliveries
    await crowd.close()
    if crowd.errors or received != sockets * ROOMS_OF_EACH * MISSED:
        raise AssertionError(f"{received} of {sockets * ROOMS_OF_EACH * MISSED} received; {crowd.errors[:3]}")
    return Row(
        workload=f"{sockets:,} sockets cut at once come back",
        server=name,
        operation=f"caught up by {'sync' if by_sync else 'subscribe'}",
        cpu_us=cpu / sockets * 1e6,
        per_second=sockets / elapsed,
        backing_us=backs / sockets * 1e6,
        note=f"all within {elapsed:.1f} s; {of_log_after - of_log} queries of the log, {total_after - total} in all",
        family=f"coming back by {'sync' if by_sync else 'subscribe'}, by sockets",
        size=sockets,
    )


async def heads_of(crowd: Crowd, token: str, seeded: Seeded) -> dict[str, int]:
    """The head of every room, from the replies to one more socket that subscribes to all of them."""
    heads: dict[str, int] = {}

    class SubscribeReplies(ParleyDialect):
        def receive(self, peer: PeerState, frame: Any) -> None:
            if frame["action"] == "subscribe":
                heads[frame["data"]["room_id"]] = frame["data"]["head"]
            super().receive(peer, frame)

    subscriber = Crowd(crowd.ws_url, SubscribeReplies())
    await subscriber.join([token], [seeded.rooms])
    await subscriber.close()
    return heads


async def send_missed_messages(crowd: Crowd, seeded: Seeded, sockets: int) -> None:
    """Send some messages to every room, each after the acknowledgement of the last one in its room."""
    [peer] = await crowd.join([seeded.users[sockets]["token"]], [[]])
    left = {f"r{place}-{time.monotonic_ns()}": [room] * MISSED for place, room in enumerate(seeded.rooms)}
    done = asyncio.Event()

    def go_on(sender: str) -> None:
        if left[sender]:
            crowd.send_message(peer, sender, left[sender].pop(), sockets // SPREAD)
        elif not crowd.unacknowledged:
            done.set()

    crowd.on_acknowledged = go_on
    for sender in left:
        go_on(sender)
    async with asyncio.timeout(CATCH_UP_SECONDS):
        await done.wait()
    crowd.on_acknowledged = None
    peer.close()
