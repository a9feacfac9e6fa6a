"""The sweep's CPU by local streams: a hub without sockets, in a process of its own, on the real database.

`python -m tests.bench.sweep 10000` runs in the environment of a server and prints the CPU microseconds of a sweep.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from uuid import UUID

from tests.bench.results import Row
from tests.bench.servers import Backing, Parley
from tests.servers import ROOT

SWEEPS = 7


async def measure(backing: Backing, streams: int) -> list[Row]:
    """One row: CPU of a sweep that finds nothing behind."""
    parley = Parley(backing)
    parley.process.stop()  # it has made the database; now the sweep is alone with it
    command = [sys.executable, "-m", "tests.bench.sweep", str(streams)]
    made = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=parley.process.environment, check=True, capture_output=True
    )
    row = Row(
        workload=f"sweep of {streams:,} local streams",
        server="Parley",
        operation="sweep",
        cpu_us=float(made.stdout),
        family="sweep, by local streams",
        size=streams,
    )
    return [row]


async def sweep(streams: list[UUID]) -> float:
    """CPU microseconds of a sweep, the median of some."""
    from realtime.database import DatabaseLog
    from realtime.feed import Feed
    from realtime.hub import Hub

    hub = Hub(DatabaseLog())
    hub.feeds.update({str(stream): Feed(str(stream), 1, 5) for stream in streams})
    took = []
    for _ in range(SWEEPS):
        began = time.process_time()
        await hub.sweep.run()
        took.append((time.process_time() - began) * 1e6)
    return statistics.median(took)


def make_streams(count: int) -> list[UUID]:
    """Heads of so many streams."""
    from django.utils import timezone
    from uuid_utils.compat import uuid7

    from eventlog.models import StreamHead

    heads = [StreamHead(stream=uuid7(), last_seq=5, last_at=timezone.now()) for _ in range(count)]
    StreamHead.objects.bulk_create(heads, batch_size=5_000)
    return [head.stream for head in heads]


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    django.setup()
    print(asyncio.run(sweep(make_streams(int(sys.argv[1])))))
