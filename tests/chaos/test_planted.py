"""The planted bugs fit the code under test: all that they replace exists. `--planted` proves that they are caught."""

import os
import subprocess
import sys
from pathlib import Path

from tests.chaos.planted import PLANTED
from tests.servers import ROOT

# In a process of its own, because nothing takes a bug out again.
PLANT = """
import importlib
import django
django.setup()
from realtime.server.reactor import install
install()
from realtime.server.server import Server
Server.drain
for name in {names}:
    importlib.import_module(f"tests.chaos.bugs.{{name}}").plant()
"""


def test_every_bug_has_a_file() -> None:
    files = {path.stem for path in (Path(__file__).parent / "bugs").glob("*.py")} - {"__init__"}

    assert files == set(PLANTED)


def test_every_bug_can_be_planted() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.chaos.settings", "REDIS_URL": "redis://127.0.0.1:1/0"}

    planted = subprocess.run(
        [sys.executable, "-c", PLANT.format(names=sorted(PLANTED))],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert planted.returncode == 0, planted.stderr
