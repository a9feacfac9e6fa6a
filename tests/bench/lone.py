"""Devices that come one after the other, as phones do: they connect to ten rooms, or return with 200 missed messages.

Each server is measured by the same client: Parley, and the peers that have these operations.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from tests.bench import sends
from tests.bench.centrifugo import Centrifugo, Recovering
from tests.bench.crowd import Crowd
from tests.bench.dialects import Dialect, PeerState
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.fanout import Target, parley_target, percentiles
from tests.bench.processes import cpu_seconds
from tests.bench.results import Row, median
from tests.bench.servers import Backing, Parley, Seeded
from tests.bench.sockets import MISSED_BY_ONE, ROOMS_OF_EACH, SPREAD, CountedSync, heads_of, plan, rooms_of

DEVICES = 200  # the CPU of a process is counted in steps of 10 ms, so a run is exact to 50 us
CONNECT, RETURN = "connect + authenticate + subscribe to 10", "connect + catch up with 200 missed"


async def measure_parley(backing: Backing, name: str, *, devices: int = DEVICES, runs: int = 3) -> list[Row]:
    """Connects with ten subscribes, and returns by one sync that subscribes."""
    parley = Parley(backing)
    try:
        seeded = parley.seed(devices + 1, plan(devices), MISSED_BY_ONE)
        heads = await heads_of(Crowd(parley.process.ws_url, ParleyDialect()), seeded.users[-1]["token"], seeded)
        returning = CountedSync({room: head - MISSED_BY_ONE for room, head in heads.items()}, by_sync=True)
        dialects: dict[str, Dialect] = {CONNECT: ParleyDialect(), RETURN: returning}
        return await measure(parley_target(backing, name, parley), seeded, dialects, devices, runs)
    finally:
        parley.process.stop()


async def measure_peer(target: Target, *, devices: int = DEVICES, runs: int = 3, seconds: float = 2.0) -> list[Row]:
    """Connects with ten subscriptions; where publications are kept, also lone ones, and recoveries of 200."""
    rooms = [uuid4().hex for _ in range(ROOMS_OF_EACH * SPREAD)]
    seeded = Seeded([{"token": f"user-{number}"} for number in range(devices + 1)], rooms)
    dialects, rows = {CONNECT: target.dialect}, []
    if isinstance(target.dialect, Centrifugo):
        dialects[RETURN] = Recovering(await _publish_missed(target, seeded), MISSED_BY_ONE)
        rows.append(await _publish_alone(target, seeded, seconds))
    return rows + await measure(target, seeded, dialects, devices, runs)


async def measure(
    target: Target, seeded: Seeded, dialects: Mapping[str, Dialect], devices: int, runs: int
) -> list[Row]:
    """Let the devices come one after the other, several times, in each dialect; the first time is the warm-up."""
    rows = []
    for operation, dialect in dialects.items():
        cpus, backings, took = [], [], []
        for run in range(runs + 1):
            cpu, backs = cpu_seconds(target.pids), cpu_seconds(target.backing)
            for number in range(devices):
                crowd, began = Crowd(target.ws_url, dialect), time.perf_counter_ns()
                await crowd.join([seeded.users[number]["token"]], [rooms_of(seeded, number)])
                took += [time.perf_counter_ns() - began] if run else []
                await crowd.close()
                if crowd.errors:
                    raise AssertionError(crowd.errors[:3])
            if run:
                cpus.append((cpu_seconds(target.pids) - cpu) / devices * 1e6)
                backings.append((cpu_seconds(target.backing) - backs) / devices * 1e6)
        p50, p99 = percentiles(took)
        row = Row("one device after the other", target.name, operation, median(cpus), p50_ms=p50, p99_ms=p99)
        rows.append(replace(row, backing_us=median(backings), runs_us=cpus))
    return rows


async def _publish_alone(target: Target, seeded: Seeded, seconds: float) -> Row:
    """Publish one message after the other, each when the last is acknowledged, to a channel without subscriptions."""
    crowd = Crowd(target.ws_url, target.dialect)
    senders = sends.Senders(crowd, await crowd.join([seeded.users[-1]["token"]], [[]]), [uuid4().hex])
    await senders.run(0.5)
    _, row = await sends.timed(senders, target.pids, target.backing, seconds, workload=sends.LONE, server=target.name)
    await crowd.close()
    if crowd.errors:
        raise AssertionError(crowd.errors[:3])
    return row


async def _publish_missed(target: Target, seeded: Seeded) -> dict[str, tuple[int, str]]:
    """Publish the missed messages to each channel; return the position of each channel before them."""
    positions: dict[str, tuple[int, str]] = {}

    class Positions(Centrifugo):
        def subscribed(self, peer: PeerState, channel: str, reply: dict[str, Any]) -> None:
            positions[channel] = reply["offset"] - MISSED_BY_ONE, reply["epoch"]

    publisher, subscriber = Crowd(target.ws_url, target.dialect), Crowd(target.ws_url, Positions())
    token = seeded.users[-1]["token"]
    senders = sends.Senders(publisher, await publisher.join([token], [[]]) * len(seeded.rooms), seeded.rooms)
    for _ in range(MISSED_BY_ONE):
        await senders.run(0)  # one message to each channel
    await subscriber.join([token], [seeded.rooms])
    for crowd in (publisher, subscriber):
        await crowd.close()
    return positions
