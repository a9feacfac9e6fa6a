"""Runs schedules and reports a failure with the smallest evidence, the seed, and the command that replays it."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sim.actions import Action
from tests.sim.checker import check
from tests.sim.history import History
from tests.sim.world import World, small_bounds

STEPS = 45


class LogErrors(logging.Handler):
    """Collects the errors that the server's code logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message with its error."""
        error = record.exc_info[1] if record.exc_info else None
        self.messages.append(f"{record.getMessage()}: {error!r}")


@contextmanager
def laboratory() -> Iterator[LogErrors]:
    """Set small bounds, collect only errors of the server's log, and stop garbage collection during a schedule."""
    logger, log_errors = logging.getLogger("realtime"), LogErrors()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(log_errors)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    gc.freeze()
    gc.disable()
    try:
        with small_bounds():
            yield log_errors
    finally:
        gc.enable()
        gc.unfreeze()
        logger.removeHandler(log_errors)
        logger.setLevel(level)
        logger.propagate = propagate


def run_schedules(seed: int, schedules: int, often: Action | None = None) -> Iterator[tuple[History, list[str]]]:
    """Yield each history with its violations; schedule n has the seed `seed` + n."""
    with laboratory() as log_errors:
        for number in range(seed, seed + schedules):
            history = World(number, often=often).run()
            yield judged(history, log_errors)
            if number % 50 == 0:
                gc.collect()


def judged(history: History, log_errors: LogErrors) -> tuple[History, list[str]]:
    """Return a history with the violations that the checker finds and the errors that the server logged."""
    history.errors += log_errors.messages
    log_errors.messages.clear()
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
    with laboratory() as log_errors:
        for steps in range(STEPS):
            shorter, found = judged(World(history.seed, trace=True).run(steps), log_errors)
            if found:
                return steps, shorter, found
    return None, history, wrong
