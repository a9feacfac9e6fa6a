"""Runs schedules and tells of a failure: the smallest evidence, the seed, and how to replay it."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sim.actions import Action
from tests.sim.checker import check
from tests.sim.history import History
from tests.sim.world import World, small_bounds

STEPS = 45


class Ears(logging.Handler):
    """Collects the errors that the server's code logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remember it."""
        error = record.exc_info[1] if record.exc_info else None
        self.heard.append(f"{record.getMessage()}: {error!r}")


@contextmanager
def laboratory() -> Iterator[Ears]:
    """Small bounds, a log that is quiet but for errors, and no garbage collection in the middle of a schedule."""
    logger, ears = logging.getLogger("realtime"), Ears()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(ears)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    gc.freeze()
    gc.disable()
    try:
        with small_bounds():
            yield ears
    finally:
        gc.enable()
        gc.unfreeze()
        logger.removeHandler(ears)
        logger.setLevel(level)
        logger.propagate = propagate


def run_schedules(seed: int, schedules: int, often: Action | None = None) -> Iterator[tuple[History, list[str]]]:
    """Each history with what is wrong with it; schedule n has the seed seed + n."""
    with laboratory() as ears:
        for number in range(seed, seed + schedules):
            history = World(number, often=often).run()
            yield judged(history, ears)
            if number % 50 == 0:
                gc.collect()


def judged(history: History, ears: Ears) -> tuple[History, list[str]]:
    """A history, and what the checker and the server's own log say of it."""
    history.errors += ears.heard
    ears.heard.clear()
    return history, check(history)


def explain(history: History, wrong: list[str]) -> str:
    """Describes the failure in the shortest schedule of this seed that still fails."""
    steps, history, wrong = _shortest(history, wrong)
    lines = [f"seed {history.seed} fails{'' if steps is None else f' within {steps} steps'}:"]
    lines += [f"  {line}" for line in wrong[:6]]
    lines += ["  what was done:", *(f"    {line}" for line in history.trace[-12:])]
    for lineage in history.lineages:
        if f": {lineage.name} at " in wrong[0]:
            lines.append("  what the device saw:")
            lines += [f"    {record.at:8.3f} {record.kind} {record.data}" for record in lineage.records[-14:]]
    lines.append(f"  replay: python -m tests.sim --seed {history.seed} --schedules 1")
    return "\n".join(lines)


def _shortest(history: History, wrong: list[str]) -> tuple[int | None, History, list[str]]:
    with laboratory() as ears:
        for steps in range(STEPS):
            shorter, found = judged(World(history.seed, trace=True).run(steps), ears)
            if found:
                return steps, shorter, found
    return None, history, wrong
