"""The two tours, typed as they stand: every command runs, and each answer that a page shows arrives."""

from __future__ import annotations

import re
import subprocess

from tests.docs.pages import ADDRESS, blocks, objects, read
from tests.realtime.deployment import Deployment
from tests.servers import ROOT

PATIENCE = 90
TERMINAL = re.compile(r"\x1b\[?[A-Z0-9]")  # the interactive client moves its cursor
# Values that differ in each run.
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"prl_[\w-]+"), "<token>"),
)


def mask(text: str) -> str:
    """Replace ids, times and tokens by their names."""
    for pattern, name in VOLATILE:
        text = pattern.sub(name, text)
    return text


def type_in(page: str, port: int) -> str:
    """Run the commands of a page in one shell and return what a new user sees; only the address is changed."""
    script = "\n".join(blocks(read(page), "sh"))
    assert script.startswith(ADDRESS)
    script = script.replace(ADDRESS, ADDRESS.replace("8000", str(port)))
    typed = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert typed.returncode == 0, typed.stderr
    assert not typed.stderr, typed.stderr
    return TERMINAL.sub("", typed.stdout)


def test_the_short_tour_works(deployment: Deployment) -> None:
    typed = type_in("README.md", deployment.servers[0].port)

    frames = [each for each in objects(mask(typed)) if "action" in each]
    [shown] = [value for block in blocks(read("README.md"), "json") for value in objects(mask(block))]
    assert shown == frames[-1]  # the page names it as the last frame


def test_the_long_tour_works(deployment: Deployment) -> None:
    """Every answer that the tour shows arrives, but for ids, times and tokens."""
    typed = type_in("docs/tour.md", deployment.servers[0].port)

    came = list(objects(mask(typed)))
    for shown in (value for block in blocks(read("docs/tour.md"), "json") for value in objects(mask(block))):
        assert shown in came
    assert re.findall("^HTTP .*", typed, re.MULTILINE) == ["HTTP 201", "HTTP 200"]
    for sender in ("alice", "bob"):  # both are in the garden
        assert sum(each.get("sender") == sender and each.get("message") == "hi" for each in came) == 2
