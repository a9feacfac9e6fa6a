"""Fan-out: the cost of delivering an event to the sockets of a room. `python -m tests.bench.fanout` is the short form.

The cost of a delivery is (CPU per event with N sockets - CPU per event with 1 socket) / (N - 1); the cost with 1 socket
is that of the send itself, its storage included.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from tests.bench.crowd import Crowd, Peer
from tests.bench.dialects import Dialect
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.processes import cpu_seconds
from tests.bench.results import Row, median
from tests.bench.servers import Backing, Parley, Seeded

SETTLE_SECONDS = 10.0  # later messages count as lost


@dataclass(frozen=True)
class Shape:
    """The size of a workload: rooms, sockets in each, messages in flight at once in each."""

    sockets: int
    rooms: int = 1
    in_flight: int = 1


@dataclass(frozen=True)
class Run:
    """One run: totals of its window."""

    events: int
    deliveries: int
    lost: int
    seconds: float
    cpu: float
    backing_cpu: float
    p50_ms: float
    p99_ms: float

    @property
    def cpu_per_event(self) -> float:
        return self.cpu / max(self.events, 1)


@dataclass(frozen=True)
class Target:
    """A server with its dialect; `seeded` when its users and rooms must exist first."""

    name: str
    ws_url: str
    dialect: Dialect
    pids: Sequence[int]
    backing: Sequence[int]
    parley: Parley | None = None


class Chatter:
    """Senders that each send the next message when every socket has received the last one."""

    def __init__(self, crowd: Crowd, shape: Shape, senders: dict[str, tuple[Peer, str]]) -> None:
        self.crowd, self.shape, self.senders = crowd, shape, senders
        self.pause_seconds = 0.0  # between a delivery and the next send, for a low load
        self.until = 0.0
        self.least = self.sent = self.about_to_send = 0
        self.quiet = asyncio.Event()
        crowd.on_delivered = self._go_on

    async def run(self, seconds: float, least: int) -> int:
        """Send for at least this time and number of messages; return the number of sent messages."""
        self.until, self.least, self.sent = time.perf_counter() + seconds, least, 0
        self.quiet.clear()
        for sender in self.senders:
            self._send(sender)
        try:
            async with asyncio.timeout(seconds + SETTLE_SECONDS):
                await self.quiet.wait()
        except TimeoutError:
            pass
        return self.sent

    def _send(self, sender: str) -> None:
        peer, room = self.senders[sender]
        self.sent += 1
        self.crowd.send_message(peer, sender, room, self.shape.sockets)

    def _go_on(self, sender: str) -> None:
        if time.perf_counter() < self.until or self.sent < self.least:
            self.about_to_send += 1
            asyncio.get_running_loop().call_later(self.pause_seconds, self._send_next, sender)
        elif not self.crowd.pending and not self.about_to_send:
            self.quiet.set()

    def _send_next(self, sender: str) -> None:
        self.about_to_send -= 1
        self._send(sender)


class FanOut:
    """A crowd of one shape, ready to be run several times."""

    def __init__(self, target: Target, shape: Shape) -> None:
        self.target, self.shape = target, shape
        self.crowd = Crowd(target.ws_url, target.dialect)

    async def open(self) -> None:
        """Connect everybody."""
        shape, apart = self.shape, self.target.dialect.sends_without_receiving
        listeners, sender_count = shape.sockets * shape.rooms, shape.in_flight * shape.rooms if apart else 0
        # In a thread: the crowds that are open already must answer their pings meanwhile.
        seeded = await asyncio.to_thread(self._seed, listeners, sender_count)
        tokens = [user["token"] for user in seeded.users]
        places = [[seeded.rooms[number // shape.sockets]] for number in range(listeners)]
        peers = await self.crowd.join(tokens[:listeners], places)
        if apart:
            sending_peers = await self.crowd.join(tokens[listeners:], [[]] * sender_count)
            rooms = [seeded.rooms[number // shape.in_flight] for number in range(sender_count)]
        else:
            # Every socket receives. A few of them send, each one message at a time, or one of them sends all.
            chosen = range(shape.in_flight * shape.rooms)
            heads = [
                number // shape.in_flight * shape.sockets + number % shape.in_flight % shape.sockets
                for number in chosen
            ]
            sending_peers, rooms = [peers[head] for head in heads], [places[head][0] for head in heads]
        senders = {f"s{number}": pair for number, pair in enumerate(zip(sending_peers, rooms, strict=True))}
        self.chatter = Chatter(self.crowd, shape, senders)

    def _seed(self, listeners: int, senders: int) -> Seeded:
        shape = self.shape
        if self.target.parley is None:
            users = [{"token": f"user-{number}"} for number in range(listeners + senders)]
            return Seeded(users, [uuid4().hex for _ in range(shape.rooms)])
        members = [
            [*range(room * shape.sockets, (room + 1) * shape.sockets),
             *range(listeners + room * shape.in_flight, listeners + (room + 1) * shape.in_flight)]
            for room in range(shape.rooms)
        ]  # fmt: skip
        return self.target.parley.seed(listeners + senders, members)

    async def run(self, seconds: float, least: int) -> Run:
        """One measured window."""
        self.crowd.clear()
        cpu, backing, began = cpu_seconds(self.target.pids), cpu_seconds(self.target.backing), time.perf_counter()
        events = await self.chatter.run(seconds, least)
        elapsed = time.perf_counter() - began
        cpu, backing = cpu_seconds(self.target.pids) - cpu, cpu_seconds(self.target.backing) - backing
        lost = self.crowd.give_up()
        p50, p99 = percentiles(self.crowd.latencies_ns)
        return Run(events, self.crowd.deliveries, lost, elapsed, cpu, backing, p50, p99)

    async def close(self) -> None:
        """Close all sockets; a run with wrong deliveries fails."""
        await self.crowd.close()
        if self.crowd.errors:
            raise AssertionError(f"{self.target.name}: {self.crowd.errors[:3]} ({len(self.crowd.errors)} in all)")


def percentiles(nanoseconds: Sequence[int]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    if len(nanoseconds) < 2:
        return 0.0, 0.0
    if len(nanoseconds) > 100_000:
        nanoseconds = random.Random(1).sample(nanoseconds, 100_000)
    cuts = statistics.quantiles(nanoseconds, n=100)
    return cuts[49] / 1e6, cuts[98] / 1e6


async def measure(
    target: Target, shapes: Sequence[Shape], *, runs: int = 3, seconds: float = 1.5, least: int = 8
) -> dict[Shape, list[Run]]:
    """Run the shapes several times in turn, so that other load on the machine affects them alike."""
    crowds = [FanOut(target, shape) for shape in shapes]
    for crowd in crowds:
        await crowd.open()
        await crowd.run(0.3, 3)
    measured: dict[Shape, list[Run]] = {shape: [] for shape in shapes}
    for _ in range(runs):
        for crowd in crowds:
            measured[crowd.shape].append(await crowd.run(seconds, least))
    for crowd in crowds:
        await crowd.close()
    return measured


def costs_of_delivery(runs: Sequence[Run], alone: Sequence[Run], sockets: int) -> list[float]:
    """Microseconds of server CPU for bringing an event to one more socket: each run against its neighbour with one."""
    pairs = zip(runs, alone, strict=True)
    return [(run.cpu_per_event - one.cpu_per_event) / (sockets - 1) * 1e6 for run, one in pairs]


def rows_of(target: Target, measured: dict[Shape, list[Run]], *, is_baseline: bool) -> list[Row]:
    """The rows of one server; the first shape is one socket a room, and its row is the send itself."""
    (first, alone), *others = measured.items()
    flight = f"{first.in_flight} in flight" + (f", {first.rooms} rooms" if first.rooms > 1 else "")
    each = [run.cpu_per_event * 1e6 for run in alone]
    rows = [_row(target, alone, f"the send itself, {flight}", "event", each, is_baseline)]
    for shape, runs in others:
        costs = costs_of_delivery(runs, alone, shape.sockets)
        row = _row(target, runs, f"fan-out to {shape.sockets:,} sockets, {flight}", "delivery", costs, is_baseline)
        row.family, row.size = f"delivery, {flight}, by sockets", shape.sockets
        rows.append(row)
    return rows


def _row(target: Target, runs: Sequence[Run], workload: str, operation: str, costs: list[float], base: bool) -> Row:
    lost = sum(run.lost for run in runs)
    return Row(
        workload=workload,
        server=target.name,
        operation=operation,
        cpu_us=median(costs),
        per_second=median(run.deliveries / run.seconds for run in runs),
        p50_ms=median(run.p50_ms for run in runs),
        p99_ms=median(run.p99_ms for run in runs),
        backing_us=median(run.backing_cpu / max(run.events, 1) * 1e6 for run in runs) if operation == "event" else None,
        note=f"{lost:,} lost" if lost else "",
        is_baseline=base,
        runs_us=costs,
    )


async def measure_latency(target: Target, sockets: int = 100, seconds: float = 5.0) -> list[Row]:
    """Measures the time from send to delivery when little happens: one message, a pause, the next."""
    fan_out = FanOut(target, Shape(sockets))
    await fan_out.open()
    await fan_out.run(0.3, 3)
    fan_out.chatter.pause_seconds = 0.05
    run = await fan_out.run(seconds, 8)
    await fan_out.close()
    costs = [run.cpu_per_event * 1e6]
    return [_row(target, [run], f"latency at low load, {sockets} sockets", "event", costs, False)]


def parley_target(backing: Backing, name: str, parley: Parley) -> Target:
    """A running Parley as a target."""
    return Target(name, parley.process.ws_url, ParleyDialect(), [parley.process.pid], backing.pids, parley)


async def _main(sizes: Sequence[int]) -> None:
    backing = Backing()
    for server in ("daphne", "uvicorn"):
        parley = Parley(backing, server)
        target = parley_target(backing, f"Parley on {server}", parley)
        for in_flight in (1, 16):
            shapes = [Shape(size, 1, in_flight) for size in (1, *sizes)]
            for row in rows_of(target, await measure(target, shapes), is_baseline=False):
                print(
                    f"{row.server}, {row.workload}: {row.per_second:,.0f} deliveries/s, {row.cpu_us:,.1f} us of CPU "
                    f"per {row.operation}, p50 {row.p50_ms:.1f} ms, p99 {row.p99_ms:.1f} ms {row.note}",
                    flush=True,
                )
        parley.process.stop()
    backing.stop()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main([int(size) for size in sys.argv[1:]] or [100, 1_000]))
