"""A scrape: the time and the CPU of GET /metrics while many idle sockets are open."""

import asyncio
import http.client
import time

from tests.bench.crowd import Crowd
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.processes import cpu_seconds
from tests.bench.results import Row, median
from tests.bench.servers import Backing, Parley
from tests.settings.scrapes import metrics_of, total

SCRAPES = 100
IDLE_SECONDS = 25.0  # every socket gets one ping in this time


async def measure(backing: Backing, name: str, sockets: int = 10_000, idle_seconds: float = IDLE_SECONDS) -> list[Row]:
    """Scrape one time after the other; the CPU of the idle sockets in that time is subtracted."""
    parley = Parley(backing)
    try:
        most = int(total(metrics_of(parley.process), "parley_connections_max")) - 10  # others than the sockets
        if most < sockets:
            print(f"   {most:,} sockets instead of {sockets:,}: the limit of descriptors allows no more", flush=True)
        count = min(sockets, most)
        seeded = await asyncio.to_thread(parley.seed, count, [])
        crowd = Crowd(parley.process.ws_url, ParleyDialect())
        await crowd.join([user["token"] for user in seeded.users], [[]] * count)
        pids = [parley.process.pid]
        cpu, began = cpu_seconds(pids), time.perf_counter()
        await asyncio.sleep(idle_seconds)
        idle = (cpu_seconds(pids) - cpu) / (time.perf_counter() - began)
        cpu, began = cpu_seconds(pids), time.perf_counter()
        took = _scrape(parley.process.port)  # blocks, so that the crowd's own work delays none
        cpu = cpu_seconds(pids) - cpu - idle * (time.perf_counter() - began)
        still_open = total(metrics_of(parley.process), "parley_sockets")
        await crowd.close()
        if crowd.errors or still_open != count:
            raise AssertionError(f"{still_open} of {count} sockets are open; {crowd.errors[:3]}")
        row = Row(
            workload=f"{SCRAPES} scrapes, {count:,} sockets",
            server=name,
            operation="scrape",
            cpu_us=cpu / SCRAPES * 1e6,
            p50_ms=median(took),
            note=f"the longest {max(took):.1f} ms, {sum(each > 5 for each in took)} above 5 ms; the idle sockets take "
            f"{idle:.1%} of a core",
        )
        return [row]
    finally:
        parley.process.stop()


def _scrape(port: int) -> list[float]:
    """The milliseconds of each scrape, on one connection."""
    connection, took = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    for _ in range(SCRAPES):
        began = time.perf_counter()
        connection.request("GET", "/metrics")
        page = connection.getresponse().read()
        took.append((time.perf_counter() - began) * 1000)
        assert b"\nparley_sockets " in page, page[:300]
    connection.close()
    return took
