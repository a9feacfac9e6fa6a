"""The proof of the harness: servers with a bug planted in them, each of which the checker must catch.

Bugs that the simulation or random walks catch at less cost are planted there, and hunted by their tests.
"""

import asyncio
import os
import shutil
import subprocess
import sys

from tests.chaos.checker import Verdict, check
from tests.chaos.run import Plan, run
from tests.servers import ROOT

SEEDS = 3
SECONDS = 20.0

# By bug: the faults that bring it out, and the promises of which at least one must be found broken. A bug that is
# caught for another reason than its own would be luck.
PLANTED: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "no_sweep": ((), frozenset({"lost", "repair"})),
    "naive_fan_out": ((), frozenset({"lost", "twice", "order"})),
    "no_ring_replay": (("client_line_cut",), frozenset({"lost"})),
    "end_on_leave": ((), frozenset({"lost"})),
    "membership_cached": ((), frozenset({"leak"})),
    "history_without_rule": ((), frozenset({"leak", "view"})),
    "no_dedupe": ((), frozenset({"once"})),
    "ack_before_commit": ((), frozenset({"durable"})),
    "seq_with_holes": ((), frozenset({"gapless"})),
    "deleted_text_stays": ((), frozenset({"deleted"})),
    "revoked_receives": ((), frozenset({"revoked"})),
    "revoked_writes": ((), frozenset({"revoked"})),
    "no_goodbye": (("rolling",), frozenset({"restart"})),
    "redis_in_the_way": (("redis_freeze",), frozenset({"frozen"})),
    "markers_go_back": ((), frozenset({"marker"})),
}

# The other harnesses with planted bugs, by the argument that names them: their tests, and the databases to run them on.
ELSEWHERE = {"simulation": ("tests/sim", ("sqlite",)), "walks": ("tests/model", ("sqlite", "postgres"))}


def hunt(names: list[str], seed: int) -> int:
    """Run each bug with up to three seeds, or those of another harness; the exit code is 0 when all were caught."""
    escaped = [name for name in names if not _is_caught(name, seed)]
    print(f"caught {len(names) - len(escaped)} of {len(names)}" + (f", not {escaped}" if escaped else ""), flush=True)
    return 1 if escaped else 0


def _is_caught(name: str, seed: int) -> bool:
    if name in ELSEWHERE:
        tests, stacks = ELSEWHERE[name]
        command = [sys.executable, "-m", "pytest", "-q", "-k", "planted", tests]
        # A send or a reaction that is alone has statements of its own on PostgreSQL.
        runs = [
            subprocess.run(command, cwd=ROOT, env={**os.environ, "PARLEY_TEST_STACK": stack}, check=False)
            for stack in stacks
        ]
        return all(run.returncode == 0 for run in runs)
    faults, expected = PLANTED[name]
    for attempt in range(SEEDS):
        plan = Plan(SECONDS, seed + attempt, entry=f"tests.chaos.bugs.{name}", faults=faults)
        verdict = check(asyncio.run(run(plan)))
        shutil.rmtree(plan.folder, ignore_errors=True)
        found = expected & {anomaly.promise for anomaly in verdict.anomalies}
        print(f"{name}, seed {plan.seed}: {verdict.headline()}", flush=True)
        if found:
            print(f"    {_shortest(verdict, found)}", flush=True)
            return True
    return False


def _shortest(verdict: Verdict, promises: frozenset[str]) -> object:
    return min((each for each in verdict.anomalies if each.promise in promises), key=lambda each: len(str(each)))
