"""Runs schedules and tells of a failure: the smallest evidence, the seed, and how to replay it."""

from collections.abc import Iterator

from tests.sim.checker import check
from tests.sim.history import History
from tests.sim.world import run, small_bounds


def run_schedules(seed: int, schedules: int) -> Iterator[tuple[History, list[str]]]:
    """Each history with what is wrong with it; schedule n has the seed seed + n."""
    with small_bounds():
        for number in range(seed, seed + schedules):
            history = run(number)
            yield history, check(history)


def explain(history: History, wrong: list[str]) -> str:
    """What went wrong, in the shortest schedule of this seed that still fails."""
    steps, history, wrong = _shortest(history, wrong)
    lines = [f"seed {history.seed} fails{'' if steps is None else f' within {steps} steps'}:"]
    lines += [f"  {line}" for line in wrong[:6]]
    lines += ["  what was done:", *(f"    {line}" for line in history.trace[-12:])]
    device = wrong[0].split(": ")[1].split(" ")[0] if wrong[0].count(": ") > 1 else ""
    for lineage in history.lineages:
        if lineage.device == device and f" in {lineage.stream[-2:]} " in wrong[0]:
            lines.append("  what the device saw:")
            lines += [f"    {record.at:8.3f} {record.kind} {record.data}" for record in lineage.records[-14:]]
    lines.append(f"  replay: python -m tests.sim --seed {history.seed} --schedules 1")
    return "\n".join(lines)


def _shortest(history: History, wrong: list[str]) -> tuple[int | None, History, list[str]]:
    with small_bounds():
        for steps in range(45):
            shorter = run(history.seed, trace=True, steps=steps)
            if found := check(shorter):
                return steps, shorter, found
    return None, history, wrong
