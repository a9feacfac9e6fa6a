"""The commands of docs/threads.md, run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.devices import PATIENCE, Room
from tests.docs.pages import blocks, read
from tests.realtime.deployment import Deployment

PRINTED = ["Where to?", "1", "The river", "[]", "True", "1", "0", "Ready?", "1", "1", "Yes, but", "[]"]


def test_the_page_works_as_it_stands(deployment: Deployment, room: Room) -> None:
    tokens = {name.upper(): room.join(name) for name in ("alice", "bob")}
    variables = {"PARLEY": deployment.servers[0].url, "ROOM": room.id, **tokens}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    script = "".join(blocks(read("docs/threads.md"), "sh threads"))
    typed = subprocess.run(
        ["bash", "-ec", script],
        env=os.environ | variables | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert typed.stdout.splitlines() == PRINTED
