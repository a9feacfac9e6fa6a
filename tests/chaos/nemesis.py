"""The nemesis: draws faults, applies them, and records evidence that each had an effect (`bit`)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis

from tests.chaos.cluster import Cluster
from tests.chaos.history import History
from tests.chaos.probes import Prober
from tests.chaos.proxies import Proxy
from tests.chaos.rest import request
from tests.chaos.workload import Workload

Evidence = dict[str, Any]
Fault = Callable[["Nemesis", int], Awaitable[Evidence]]

LONG_RUN_SECONDS = 150.0  # from here on the windows have their full length
FAULTS: dict[str, Fault] = {}
WITHOUT_REDIS = frozenset(
    {"kill", "pause", "rolling", "client_line_cut", "client_line_reset", "client_line_stall", "client_line_slow"}
)


def fault(function: Fault) -> Fault:
    """Register a fault by its name."""
    FAULTS[function.__name__] = function
    return function


class Nemesis:
    """Draws faults from the seed and lets them happen one after another."""

    def __init__(
        self,
        cluster: Cluster,
        history: History,
        workload: Workload,
        rng: random.Random,
        names: tuple[str, ...] | None,
        prober: Prober,
    ) -> None:
        self.cluster, self.history, self.workload, self.rng, self.prober = cluster, history, workload, rng, prober
        self.names = [name for name in FAULTS if cluster.stack == "postgres" or name in WITHOUT_REDIS]
        self.names = self.names if names is None else list(names)
        self.long = False

    async def run(self, seconds: float) -> None:
        """Calm first, then fault after fault, each at least once if there is time for it."""
        self.long = seconds >= LONG_RUN_SECONDS
        deadline = time.monotonic() + seconds
        await self._calm(max(3.0, seconds * 0.06))
        waiting: list[str] = []
        while time.monotonic() < deadline and self.names:
            if not waiting:
                waiting = self.rng.sample(self.names, len(self.names))
            await self._strike(waiting.pop())
            await self._calm(2.0 if self.long else 1.0)
        await self._calm(max(0.0, deadline - time.monotonic()))

    async def _calm(self, seconds: float) -> None:
        """Nothing is wrong, except for the hints that are lost on purpose."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.prober.receiver.socket is not None and self.prober.sender.socket is not None:
                await self.prober.lose_one()
                await self.prober.lose_last()
            await asyncio.sleep(0.2)

    async def _strike(self, name: str) -> None:
        server = self.rng.randrange(self.cluster.size)
        self.history.add("fault", name=name, phase="begin", server=server)
        evidence = await FAULTS[name](self, server)
        await self.cluster.heal()
        self.history.add("fault", name=name, phase="end", server=server, evidence=evidence)

    def window(self, short: float, long: float) -> float:
        """The length of a fault in seconds, drawn from the seed."""
        return (long if self.long else short) * self.rng.uniform(0.8, 1.2)

    def closes(self, server: int, since: int) -> list[int | None]:
        """The codes of the sockets at a server that closed since the record of that number."""
        later = self.history.records[since:]
        return [each["code"] for each in later if each["kind"] == "close" and each["server"] == server]


@fault
async def kill(nemesis: Nemesis, server: int) -> Evidence:
    """kill -9, and back after a moment."""
    since = len(nemesis.history.records)
    await asyncio.to_thread(nemesis.cluster.servers[server].kill)
    await asyncio.sleep(nemesis.rng.uniform(0.3, 2.0))
    lost = nemesis.closes(server, since)
    await asyncio.to_thread(nemesis.cluster.servers[server].start)
    return {"bit": len(lost) > 0, "sockets_lost": len(lost)}


@fault
async def pause(nemesis: Nemesis, server: int) -> Evidence:
    """SIGSTOP: the process is there, its connections are open, and nothing answers."""
    stopped = nemesis.cluster.servers[server]
    stopped.pause()
    answer = await request(stopped.port, "GET", "me", seconds=1.0)
    await asyncio.sleep(nemesis.window(2.0, 6.0))
    stopped.resume()
    return {"bit": answer.status is None, "answer": answer.status}


@fault
async def rolling(nemesis: Nemesis, server: int) -> Evidence:
    """A deployment: each server in turn is stopped with SIGTERM and started again."""
    counts = []
    for number, each in enumerate(nemesis.cluster.servers):
        since = len(nemesis.history.records)
        await asyncio.to_thread(each.stop)
        await asyncio.sleep(0.2)
        counts.append(nemesis.closes(number, since).count(1012))
        await asyncio.to_thread(each.start)
    return {"bit": sum(counts) > 0, "closed_with_1012": counts}


def _redis(nemesis: Nemesis) -> redis.Redis:
    assert nemesis.cluster.redis is not None
    return redis.Redis(port=nemesis.cluster.redis.port, protocol=2, socket_timeout=1, socket_connect_timeout=1)


def _info(nemesis: Nemesis) -> dict[str, Any]:
    with _redis(nemesis) as client:
        found: dict[str, Any] = client.info("server")
        return found


@fault
async def redis_restart(nemesis: Nemesis, server: int) -> Evidence:
    """Redis dies and comes back empty."""
    running = nemesis.cluster.redis
    assert running is not None
    before = await asyncio.to_thread(_info, nemesis)
    await asyncio.to_thread(running.kill)
    await asyncio.sleep(nemesis.window(1.5, 4.0))
    await asyncio.to_thread(running.start)
    after = await asyncio.to_thread(_info, nemesis)
    return {"bit": before["run_id"] != after["run_id"]}


@fault
async def redis_flush(nemesis: Nemesis, server: int) -> Evidence:
    """FLUSHALL."""

    def flush() -> int:
        with _redis(nemesis) as client:
            client.flushall()
            stats: dict[str, Any] = client.info("commandstats")
            return int(stats["cmdstat_flushall"]["calls"])

    calls = await asyncio.to_thread(flush)
    await asyncio.sleep(1.0)
    return {"bit": calls > 0, "flushes": calls}


@fault
async def redis_kill_pubsub(nemesis: Nemesis, server: int) -> Evidence:
    """Every server loses its subscriptions at once, several times."""

    def kill_pubsub() -> int:
        with _redis(nemesis) as client:
            return int(client.execute_command("CLIENT", "KILL", "TYPE", "pubsub"))

    killed = 0
    for _ in range(3):
        killed += await asyncio.to_thread(kill_pubsub)
        await asyncio.sleep(nemesis.window(0.5, 1.0))
    return {"bit": killed > 0, "connections_killed": killed}


async def _pings(port: int) -> bool:
    """True when a Redis answers within half a second."""
    try:
        async with asyncio.timeout(0.5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"PING\r\n")
            answer = await reader.read(7)
            writer.close()
            return answer == b"+PONG\r\n"
    except (OSError, TimeoutError):
        return False


@fault
async def redis_freeze(nemesis: Nemesis, server: int) -> Evidence:
    """Redis stops answering and keeps every connection; new sockets are opened meanwhile."""
    frozen = nemesis.cluster.redis
    assert frozen is not None
    frozen.pause()
    deadline = time.monotonic() + (10.0 if nemesis.long else 4.0)
    silent = not await _pings(frozen.port)
    for number in range(nemesis.cluster.size):
        await nemesis.prober.open_socket(number)
    await asyncio.sleep(max(0.0, deadline - time.monotonic()))
    frozen.resume()
    return {"bit": silent}


@fault
async def postgres_kill(nemesis: Nemesis, server: int) -> Evidence:
    """kill -9 of PostgreSQL and all its backends; it recovers from its log."""
    return await _without_postgres(nemesis, crash=True)


@fault
async def postgres_restart(nemesis: Nemesis, server: int) -> Evidence:
    """A clean restart of PostgreSQL."""
    return await _without_postgres(nemesis, crash=False)


async def _without_postgres(nemesis: Nemesis, *, crash: bool) -> Evidence:
    postgres = nemesis.cluster.postgres
    assert postgres is not None
    await asyncio.to_thread(postgres.kill if crash else postgres.stop)
    statuses = await asyncio.gather(*(nemesis.prober.read_status(number) for number in range(nemesis.cluster.size)))
    await asyncio.sleep(nemesis.window(0.5, 3.0))
    await asyncio.to_thread(postgres.start)
    return {"bit": all(status in (None, 503) for status in statuses), "answers": statuses}


@fault
async def client_line_cut(nemesis: Nemesis, server: int) -> Evidence:
    """Every client of a server is cut off with a FIN."""
    return await _cut(nemesis, nemesis.cluster.client_lines[server], reset=False)


@fault
async def client_line_reset(nemesis: Nemesis, server: int) -> Evidence:
    """Every client of a server is cut off with a RST."""
    return await _cut(nemesis, nemesis.cluster.client_lines[server], reset=True)


@fault
async def client_line_stall(nemesis: Nemesis, server: int) -> Evidence:
    """The lines between a server and its clients are half open."""
    return await _stall(nemesis, nemesis.cluster.client_lines[server], nemesis.window(4.0, 8.0))


@fault
async def client_line_slow(nemesis: Nemesis, server: int) -> Evidence:
    """A long way and a narrow line between a server and its clients."""
    return await _slow(nemesis, nemesis.cluster.client_lines[server])


@fault
async def redis_line_cut(nemesis: Nemesis, server: int) -> Evidence:
    """One server loses Redis."""
    return await _cut(nemesis, nemesis.cluster.redis_lines[server], reset=True)


@fault
async def redis_line_stall(nemesis: Nemesis, server: int) -> Evidence:
    """The line of one server to Redis is half open."""
    return await _stall(nemesis, nemesis.cluster.redis_lines[server], nemesis.window(3.0, 8.0))


@fault
async def redis_line_slow(nemesis: Nemesis, server: int) -> Evidence:
    """The hints of one server are late."""
    return await _slow(nemesis, nemesis.cluster.redis_lines[server])


@fault
async def database_line_cut(nemesis: Nemesis, server: int) -> Evidence:
    """One server loses its database connections, also in the middle of transactions."""
    return await _cut(nemesis, nemesis.cluster.database_lines[server], reset=True)


@fault
async def database_line_stall(nemesis: Nemesis, server: int) -> Evidence:
    """The line of one server to its database is half open."""
    return await _stall(nemesis, nemesis.cluster.database_lines[server], nemesis.window(3.0, 6.0))


async def _cut(nemesis: Nemesis, line: Proxy, *, reset: bool) -> Evidence:
    cut = 0
    for _ in range(3):
        cut += line.cut(reset=reset)
        await asyncio.sleep(nemesis.window(0.4, 0.8))
    return {"bit": cut > 0, "connections_cut": cut}


async def _stall(nemesis: Nemesis, line: Proxy, seconds: float) -> Evidence:
    held = line.counters.held_bytes
    line.stall()
    await asyncio.sleep(seconds)
    held = line.counters.held_bytes - held
    line.heal()
    return {"bit": held > 0, "bytes_held": held}


async def _slow(nemesis: Nemesis, line: Proxy) -> Evidence:
    before = line.counters.slowed_bytes
    line.delay, line.rate = nemesis.rng.uniform(0.05, 0.3), nemesis.rng.choice([0, 20_000])
    await asyncio.sleep(nemesis.window(3.0, 6.0))
    slowed = line.counters.slowed_bytes - before
    line.heal()
    return {"bit": slowed > 0, "bytes_slowed": slowed}
