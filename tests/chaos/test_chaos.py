"""Half a minute of faults on PostgreSQL and Valkey, or twenty seconds of two processes on one SQLite file."""

import subprocess
import sys

from settings.test import TEST_STACK
from tests.servers import ROOT

SECONDS = {"postgres": 30, "sqlite": 20}
SEED = 1
PATIENCE_SECONDS = 300  # with the start of all servers, the faults' aftermath and the last reads


def test_nothing_is_lost_doubled_out_of_order_or_leaked() -> None:
    """A failure prints the smallest evidence, and where the history is kept.

    Other seeds, and how fast it all went, are the business of `make chaos`, which has the machine to itself.
    """
    stack = TEST_STACK
    command = [sys.executable, "-m", "tests.chaos", "--untimed", "--stack", stack, "--seed", str(SEED)]

    finished = subprocess.run(
        [*command, "--seconds", str(SECONDS[stack])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr[-4000:]
    assert "0 lost, 0 doubled, 0 out of order, 0 leaked" in finished.stdout
