"""`python -m tests.attack` is `make attack`: what attacks burn and what honest users feel, without and with limits.

One server, PostgreSQL and Valkey; the attacker and the people each have a process and an address. "Burned" is the CPU
of all three beyond that of a calm server, in cores. --only picks attacks by a part of their names.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import orjson

from tests.attack.attacks import ATTACKS, Attack
from tests.attack.people import Felt, live
from tests.bench.processes import cpu_of_low_priority, cpu_seconds
from tests.bench.servers import MeasuredServer
from tests.servers import ROOT, ParleyServer
from tests.services import start_postgres, start_redis

MOST_OF_ACCOUNT = 0.25  # of a core, on average over a minute
MOST_OF_ADDRESS = 0.10
BURST_OF_ADDRESS = 20 * 0.28  # seconds: twenty log-ins
MOST_OF_REFUSED = 300e-6  # seconds for each handshake that is refused in HTTP
MOST_OF_HASHING = 1.0
LEAST = {"storm": ("served", 1_000), "handshakes": ("refused", 1_000)}  # answers without which nothing is measured
CALM_FACTOR, LEAST_P99_MS = 3, 100.0


@dataclass
class Measured:
    """An attack on one server."""

    seconds: float
    burned: float  # seconds of CPU
    hashed: float  # of these, by the threads that hash passwords
    felt: Felt
    counts: dict[str, int]

    @property
    def cores(self) -> float:
        return self.burned / self.seconds


class Ring:
    """The server with its database and Redis."""

    def __init__(self, rooms: int) -> None:
        self.rooms = rooms
        self.postgres, self.redis = start_postgres(), start_redis()
        self.database = self.postgres.create_database("attack")
        self.server: ParleyServer | None = None
        self.world: dict[str, Any] = {}
        self.calm = Measured(1.0, 0.0, 0.0, Felt(), {})

    def start(self, *, limits: bool) -> ParleyServer:
        env = {"RATE_LIMITS": str(int(limits)), "TRUSTED_PROXIES": "127.0.0.1", "LOG_LEVEL": "ERROR"}
        self.server = MeasuredServer(self.database, self.redis.url, env=env)
        self.server.start()
        if not self.world:
            command = [sys.executable, "-m", "tests.attack.seed", str(self.rooms)]
            seeded = subprocess.run(
                command, cwd=ROOT, env=self.server.environment | {"RATE_LIMITS": "0"}, stdout=-1, check=True
            )
            self.world = orjson.loads(seeded.stdout)
        return self.server

    def cpu(self) -> float:
        assert self.server is not None
        return cpu_seconds([self.server.pid, self.postgres.pid, self.redis.pid])

    async def measure(self, attack: Attack | None, seconds: float) -> Measured:
        """Let the people live, beside an attack or alone."""
        assert self.server is not None
        process = None
        if attack is not None:
            command = [sys.executable, "-m", "tests.attack.attacker", str(ATTACKS.index(attack)), self.server.url]
            process = await asyncio.create_subprocess_exec(*command, str(seconds), cwd=ROOT, stdin=-1, stdout=-1)
            assert process.stdin is not None
            process.stdin.write(orjson.dumps(self.world))
            process.stdin.close()
            assert process.stdout is not None
            await process.stdout.readline()  # it is ready
        before, hashed_before = self.cpu(), cpu_of_low_priority(self.server.pid)
        felt = await live(self.server.url, self.world, seconds)
        burned = self.cpu() - before - self.calm.burned / self.calm.seconds * seconds
        hashed = cpu_of_low_priority(self.server.pid) - hashed_before
        counts: dict[str, int] = {}
        if process is not None and process.stdout is not None:
            counts = orjson.loads(await process.stdout.read() or b"{}")
            await process.wait()
        return Measured(seconds, burned, hashed, felt, counts)

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
        self.redis.stop()
        self.postgres.stop()


def verdict(attack: Attack, measured: Measured, calm: Felt) -> str:
    """Return the bounds that do not hold, or "holds"."""
    of_address = MOST_OF_ADDRESS * 60 + BURST_OF_ADDRESS
    burned, most = {
        "account": (measured.burned, MOST_OF_ACCOUNT * 60),
        "address": (measured.burned, of_address),
        "handshakes": (measured.burned, min(of_address, MOST_OF_REFUSED * measured.counts.get("refused", 0))),
        # The rest of it is what thousands of addresses may cost, each within its own bound.
        "hashing": (measured.hashed, MOST_OF_HASHING * measured.seconds),
        "storm": (0.0, 0.0),
    }[attack.bound]
    failed = [] if burned <= most else [f"burned {burned:.1f} s of {most:.1f}"]
    most_ms = max(CALM_FACTOR * calm.p99, LEAST_P99_MS)
    if measured.felt.p99 > most_ms:
        failed.append(f"p99 {measured.felt.p99:.0f} of {most_ms:.0f} ms")
    answer, least = LEAST.get(attack.bound, ("", 0))
    if (count := measured.counts.get(answer, 0)) < least:
        failed.append(f"{answer} {count} of {least}")
    if errors := measured.counts.get("500"):
        failed.append(f"{errors} x 500")
    return "; ".join(failed) or "holds"


def line(attack: Attack, before: Measured | None, after: Measured, calm: Felt) -> str:
    """A row of the table."""
    counts = ", ".join(f"{number} x {name}" for name, number in sorted(after.counts.items()))
    was = f"{before.cores:.2f} | {before.felt.p50:.0f} / {before.felt.p99:.0f}" if before else "- | -"
    now = f"{after.cores:.3f} | {after.felt.p50:.0f} / {after.felt.p99:.0f} ({after.felt.failures})"
    return f"| {attack.name} | {was} | {now} | {counts} | {verdict(attack, after, calm)} |"


async def main(chosen: list[Attack], seconds: float, before_seconds: float, rooms: int) -> int:
    """Run the attacks on both servers and print the table."""
    ring = Ring(rooms)
    try:
        before: dict[str, Measured] = {}
        if before_seconds:
            ring.start(limits=False)
            ring.calm = await ring.measure(None, 10)
            for attack in chosen:
                before[attack.name] = await ring.measure(attack, before_seconds)
                print(f"-- before: {attack.name}", file=sys.stderr, flush=True)
            assert ring.server is not None
            ring.server.stop()
        ring.calm = Measured(1.0, 0.0, 0.0, Felt(), {})
        ring.start(limits=True)
        ring.calm = await ring.measure(None, 20)
        calm = ring.calm.felt
        print(f"Calm: p50 {calm.p50:.1f} ms, p99 {calm.p99:.1f} ms, {ring.calm.cores:.3f} cores.\n")
        print("| attack | before: cores | p50 / p99, ms | after: cores | p50 / p99, ms (failures) | answers | bounds |")
        print(f"|{'---|' * 7}", flush=True)
        failures = 0
        for attack in chosen:
            after = await ring.measure(attack, seconds)
            print(line(attack, before.get(attack.name), after, calm), flush=True)
            failures += verdict(attack, after, calm) != "holds"
        return failures
    finally:
        ring.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each attack with limits; default %(default)s")
    parser.add_argument(
        "--before", type=float, default=8, help="without limits; 0 leaves them out; default %(default)s"
    )
    parser.add_argument("--only", nargs="+", default=[""], metavar="PART", help="attacks whose names hold such a part")
    parser.add_argument("--rooms", type=int, default=1_000, help="of the accounts with many; default %(default)s")
    options = parser.parse_args()
    picked = [attack for attack in ATTACKS if any(part in attack.name for part in options.only)]
    sys.exit(asyncio.run(main(picked, options.seconds, options.before, options.rooms)))
