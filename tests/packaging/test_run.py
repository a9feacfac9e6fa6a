"""tests/run.sh, with a harmless script in place of pytest."""

import os
import signal
import subprocess
from pathlib import Path

from tests.servers import ROOT
from tests.services import alive, wait_until


def test_an_interrupt_ends_all_runs(tmp_path: Path) -> None:
    pids, pytest = tmp_path / "pids", tmp_path / "pytest"
    pytest.write_text(f'#!/bin/sh\necho $$ >>"{pids}"\nexec sleep 60\n')
    pytest.chmod(0o755)
    environment = {**os.environ, "PYTEST": str(pytest)}
    run = subprocess.Popen(
        ["sh", "tests/run.sh"],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background process ignores it otherwise
    )
    # On a new machine the script first installs Caddy and promtool.
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 5, seconds=300, what="not all have begun")

    os.killpg(run.pid, signal.SIGINT)

    assert run.wait(timeout=10) == 130
    wait_until(lambda: not any(map(alive, map(int, pids.read_text().split()))), seconds=5, what="one goes on alone")
