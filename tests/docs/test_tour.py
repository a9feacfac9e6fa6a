"""The tour, typed as it stands: every command runs, and what the README shows is what comes."""

from __future__ import annotations

import re
import subprocess

from tests.docs.readme import ADDRESS, blocks, objects, section
from tests.realtime.deployment import Deployment
from tests.servers import ROOT

PATIENCE = 90
TERMINAL = re.compile(r"\x1b\[?[A-Z0-9]")  # the interactive client moves its cursor
# What is another one each time.
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"prl_[\w-]+"), "<token>"),
)


def lasting(text: str) -> str:
    for pattern, name in VOLATILE:
        text = pattern.sub(name, text)
    return text


def run(script: str, port: int) -> str:
    """What a new user sees; the address is the only thing that is not theirs."""
    assert script.startswith(ADDRESS)
    script = script.replace(ADDRESS, ADDRESS.replace("8000", str(port)))
    typed = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert typed.returncode == 0, typed.stderr
    assert not typed.stderr, typed.stderr
    return TERMINAL.sub("", typed.stdout)


def test_it_works(deployment: Deployment) -> None:
    """Every answer that the tour shows is there, but for ids, times and tokens."""
    tour = section("A tour")

    typed = run("\n".join(blocks(tour, "sh")), deployment.servers[0].port)

    came = list(objects(lasting(typed)))
    for shown in (value for block in blocks(tour, "json") for value in objects(lasting(block))):
        assert shown in came
    assert re.findall("^HTTP .*", typed, re.MULTILINE) == ["HTTP 201", "HTTP 200"]
    for sender in ("alice", "bob"):  # both stand in the garden
        assert sum(heard.get("sender") == sender and heard.get("message") == "hi" for heard in came) == 2
