"""One run from the first process to the verdict."""

import asyncio
import contextlib
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.cluster import Cluster
from tests.chaos.device import CANARY
from tests.chaos.history import History, Record
from tests.chaos.nemesis import Nemesis
from tests.chaos.odd import OddOnes
from tests.chaos.probes import Prober
from tests.chaos.reads import read_rows, record_end
from tests.chaos.workload import Workload

QUIET_SECONDS = 20.0  # until every device must have everything after the last fault is healed
LAG_SECONDS = 0.05


@dataclass(frozen=True)
class Plan:
    """The parameters of a run. `faults` None: a choice from the seed that fits the time."""

    seconds: float = 240.0
    seed: int = 1
    stack: str = "postgres"
    entry: str = "tests.chaos.entry"
    faults: tuple[str, ...] | None = None
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="parley-chaos-")))


async def run(plan: Plan) -> list[Record]:
    """Everything that happened."""
    history = History(plan.folder)
    history.add("run", seed=plan.seed, stack=plan.stack, seconds=plan.seconds, entry=plan.entry)
    cluster = Cluster(plan.stack, plan.entry)
    watch = asyncio.create_task(_watch_lag(history))
    try:
        await cluster.start()
        await _live(plan, cluster, history)
    finally:
        watch.cancel()
        await cluster.stop()
        _record_logs(cluster, history, plan.folder)
        history.close()
    return history.records


async def _live(plan: Plan, cluster: Cluster, history: History) -> None:
    workload, prober = Workload(cluster, history, plan.seed), Prober(cluster, history)
    odd = OddOnes(cluster, history, workload)
    nemesis = Nemesis(cluster, history, workload, random.Random(plan.seed), plan.faults, prober)
    try:
        for each in (workload, prober, odd):
            await each.begin()
        workload.go()
        await nemesis.run(plan.seconds)
        await workload.stop_acting()
        await cluster.heal()
        await _await_quiet(workload, cluster)
        for device in workload.devices:
            history.add("finish", device=device.name, cursors=device.cursors)
        await record_end(cluster, history, workload.devices)
    finally:
        for each in (odd, prober, workload):
            await each.end()


async def _await_quiet(workload: Workload, cluster: Cluster) -> None:
    """Until every device is where the log is, or the time for it is over; the checker sees which."""
    rows = await asyncio.to_thread(read_rows, cluster)
    heads = {row["stream"]: row["last_seq"] for row in rows["head"]}
    joined = {(row["room_id"], row["user_id"]) for row in rows["member"] if row["state"] == "joined"}
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        behind = [
            (device.name, stream)
            for device in workload.devices
            for stream, head in heads.items()
            if ((stream, device.person.id) in joined or stream == device.person.id)
            and device.cursors.get(stream, 0) < head
        ]
        if not behind:
            return
        await asyncio.sleep(0.1)


async def _watch_lag(history: History) -> None:
    """Records every delay of this process itself: a busy machine adds it to every latency."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            before = loop.time()
            await asyncio.sleep(0.02)
            late = loop.time() - before - 0.02
            if late > LAG_SECONDS:
                history.add("lag", ms=round(late * 1000))


def _record_logs(cluster: Cluster, history: History, folder: Path) -> None:
    """Keep the logs of the servers, and record lines that must not be in them."""
    for number, server in enumerate(cluster.servers):
        (folder / f"server{number}.log").write_text(server.logs)
        secrets = sorted({*CANARY.findall(server.logs)} | ({"a token"} if "prl_" in server.logs else set()))
        history.add("log", server=number, secrets=secrets, tracebacks=server.logs.count("Traceback"))
