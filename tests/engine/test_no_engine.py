"""make compose-test on a machine without a container engine."""

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT


def test_compose_test_without_an_engine_fails_with_the_missing_part(tmp_path: Path) -> None:
    command, environment = [sys.executable, "-m", "tests.engine"], {**os.environ, "PATH": str(tmp_path)}

    tried = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert tried.returncode == 1
    assert tried.stderr == (
        "make compose-test needs a container engine with Compose 2.24 or newer, and found none: "
        "there is no `docker` on PATH.\n"
    )
