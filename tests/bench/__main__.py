"""`python -m tests.bench` is `make bench`, with --full `make bench-full`; --only picks workloads by name."""

import argparse
import asyncio
import os
import resource
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec

import uvloop

from tests.bench import lone, presence, rest, scrape, sends, sockets, sweep
from tests.bench.centrifugo import Centrifugo, start_centrifugo
from tests.bench.dialects import Dialect, SocketIo, Tutorial
from tests.bench.fanout import Shape, Target, measure, measure_latency, parley_target, rows_of
from tests.bench.results import Row, now, write
from tests.bench.servers import VAR, Backing, OtherServer, Parley, start_socketio, start_tutorial
from tests.servers import ROOT
from tests.services import ServiceMissing

P = ParamSpec("P")

BASELINE = "tutorial, async"
SIZES = (100, 1_000)
MOST_OF_TUTORIAL = 2_000  # sockets times messages in flight: beyond, its runs take minutes
MILLION = 1_000_000


@dataclass
class Bench:
    """One benchmark: the results and the failures so far."""

    full: bool
    backing: Backing
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def attempt(
        self, what: str, work: Callable[P, Awaitable[Sequence[Row]]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Run one workload on one server. A failure is reported and does not end the others."""
        began = time.perf_counter()
        try:
            rows = await work(*args, **kwargs)
        except Exception:
            traceback.print_exc()
            self.failed.append(what)
            return
        self.rows += rows
        print(f"-- {what} ({time.perf_counter() - began:.0f} s)", flush=True)
        for row in rows:
            print(f"   {row.workload}: {row.cpu_us:,.1f} us of CPU, {row.note}", flush=True)


async def fan_out(bench: Bench) -> None:
    """Events to the sockets of rooms, on every server."""
    async for target in targets(bench):
        tutorial = isinstance(target.dialect, Tutorial)
        for in_flight in (1, 16, 64) if bench.full else (1, 16):
            sizes = [*SIZES, 5_000] if bench.full and in_flight < 64 else SIZES
            shapes = [
                Shape(size, 1, in_flight) for size in sizes if not tutorial or size * in_flight <= MOST_OF_TUTORIAL
            ]
            if shapes:
                await bench.attempt(f"fan-out, {in_flight} in flight, {target.name}", fan_out_rows, target, shapes)
        if bench.full:
            await bench.attempt(f"fan-out, 200 rooms, {target.name}", fan_out_rows, target, [Shape(20, 200)])
            await bench.attempt(f"latency, {target.name}", measure_latency, target)


async def fan_out_rows(target: Target, shapes: Sequence[Shape]) -> Sequence[Row]:
    """Shapes of one number of rooms and in flight, against one socket a room."""
    alone = Shape(1, shapes[0].rooms, shapes[0].in_flight)
    return rows_of(target, await measure(target, [alone, *shapes]), is_baseline=target.name == BASELINE)


async def targets(bench: Bench) -> AsyncIterator[Target]:
    """Each server in turn, started and ended."""
    backing = bench.backing
    with start_tutorial(backing) as tutorial:
        for variant in ("async", "sync"):
            yield Target(f"tutorial, {variant}", tutorial.ws_url, Tutorial(variant), [tutorial.pid], backing.pids)
    for peer in peers(backing):
        yield peer
    for server in ("daphne", "uvicorn"):
        for workers in (1, 2) if bench.full else (1,):
            parley = Parley(backing, server, workers)
            name = f"Parley, {server}" + (f", {workers} workers" if workers > 1 else "")
            yield parley_target(backing, name, parley)
            parley.process.stop()


def peers(backing: Backing) -> Iterator[Target]:
    """Each server of another project in turn, started and ended; one that cannot be had here is left out."""
    peer: tuple[str, Callable[[Backing], OtherServer], Dialect]
    for peer in (("Socket.IO", start_socketio, SocketIo()), ("Centrifugo", start_centrifugo, Centrifugo())):
        name, start, dialect = peer
        try:
            server = start(backing)
        except ServiceMissing as error:
            print(f"-- {name} is left out: {error}", flush=True)
            continue
        with server:
            yield Target(name, server.ws_url, dialect, [server.pid], backing.pids)


async def durable_sends(bench: Bench) -> None:
    """Acknowledged sends, with group commit and with one transaction each, on both databases."""
    servers = [("daphne", 1), ("uvicorn", 1), ("daphne", 2)] if bench.full else [("daphne", 1)]
    for sqlite, database in ((False, "PostgreSQL"), (True, "SQLite")):
        kinds = [(server, workers, "") for server, workers in servers if not sqlite or workers == 1]
        for server, workers, patch in [("daphne", 1, "unbatched"), *kinds]:
            more = ", one transaction each" if patch else f", {workers} workers" if workers > 1 else ""
            parley = Parley(bench.backing, server, workers, sqlite, patch)
            name = f"Parley, {server}, {database}{more}"
            if not patch and workers == 1:
                await bench.attempt(
                    f"a lone send, {name}", partial(sends.measure, count=1), parley, bench.backing.pids, name, 1
                )
            for rooms in (1, 50):
                await bench.attempt(
                    f"durable sends, {rooms} rooms, {name}", sends.measure, parley, bench.backing.pids, name, rooms
                )
            parley.process.stop()


async def history(bench: Bench) -> None:
    """REST, against a short room and a very long one."""
    for server in ("daphne", "uvicorn") if bench.full else ("daphne",):
        parley, name = Parley(bench.backing, server), f"Parley, {server}"
        for rooms in (10, 100) if bench.full else (100,):
            await bench.attempt(
                f"list of {rooms} rooms, {name}", rest.measure_rooms, parley, bench.backing, name, rooms
            )
        for messages in (10_000, MILLION):
            await bench.attempt(
                f"REST, {messages:,} messages, {name}", rest.measure_room, parley, bench.backing, name, messages
            )
        parley.process.stop()


async def come_and_go(bench: Bench) -> None:
    """Sockets that come, idle, are cut and come back."""
    for server in ("daphne", "uvicorn"):
        for count in (200, 1_000):
            await bench.attempt(
                f"{count:,} sockets, Parley, {server}",
                sockets.measure,
                bench.backing,
                server,
                f"Parley, {server}",
                count,
            )


async def lone_devices(bench: Bench) -> None:
    """A device that connects while no other does, on Parley and on its peers."""
    await bench.attempt("lone devices, Parley", lone.measure_parley, bench.backing, "Parley, daphne")
    for peer in peers(bench.backing):
        await bench.attempt(f"lone devices, {peer.name}", lone.measure_peer, peer)


async def sweeps(bench: Bench) -> None:
    """The sweep, by local streams."""
    for streams in (1_000, 10_000, 50_000):
        await bench.attempt(f"sweep of {streams:,} streams", sweep.measure, bench.backing, streams)


async def people(bench: Bench) -> None:
    """Presence: sockets that watch people who come and go."""
    await bench.attempt("presence", presence.measure, bench.backing, "daphne", "Parley, daphne")


async def scrapes(bench: Bench) -> None:
    """The scrapes of a server with ten thousand sockets."""
    await bench.attempt("scrapes", scrape.measure, bench.backing, "Parley, daphne")


async def plans(bench: Bench) -> None:
    """The plans of the hot statements with a million rows in each table that grows; a scan fails the benchmark."""

    async def look() -> Sequence[Row]:
        environment = {**os.environ, "PLANS_ROWS": str(MILLION), "PARLEY_TEST_STACK": "postgres"}
        command = [sys.executable, "-m", "pytest", "-q", "tests/eventlog/test_plans.py"]
        process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT)
        if await process.wait():
            raise AssertionError("A statement reads a whole table, see above.")
        return ()

    await bench.attempt("plans with a million rows", look)


QUICK = {"fanout": fan_out, "sends": durable_sends, "lone": lone_devices, "history": history}
FULL = QUICK | {"sockets": come_and_go, "presence": people, "sweep": sweeps, "scrape": scrapes, "plans": plans}


async def main(full: bool, only: Sequence[str]) -> int:
    """Measure, print and keep; how many workloads failed."""
    began, clock = now(), time.perf_counter()
    bench = Bench(full, Backing())
    try:
        for name, workload in (FULL if full or only else QUICK).items():
            if not only or name in only:
                await workload(bench)
    finally:
        bench.backing.stop()
    print(f"\n{write(bench.rows, VAR, began)}")
    print(f"{time.perf_counter() - clock:.0f} s; kept in {VAR.relative_to(VAR.parent.parent)}")
    if bench.failed:
        print(f"Failed: {'; '.join(bench.failed)}", file=sys.stderr)
    return len(bench.failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="everything, not only ten minutes' worth")
    parser.add_argument("--only", nargs="+", choices=FULL, default=[], metavar="WORKLOAD", help=", ".join(FULL))
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # inherited by the servers
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(min(runner.run(main(options.full, options.only)), 1))
