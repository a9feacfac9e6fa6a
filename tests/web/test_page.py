"""examples/web and `make demo`: stories of people in real Chromium, against real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT
from tests.web.chromium import find_or_install

PAGE = ROOT / "examples/web"
STORIES = Path(__file__).resolve().parent
SECONDS = 900  # on a busy machine; two minutes on a free one


def npm(folder: Path, *arguments: str, **variables: str) -> None:
    """Run npm in a folder; its output is that of the test."""
    done = subprocess.run(
        ["npm", *arguments],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"npm {' '.join(arguments)}\n{(done.stdout + done.stderr)[-6000:]}"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """The packages of the page, as `make demo` installs them, and those of its tests."""
    subprocess.run(["make", "examples/web/node_modules/.installed"], cwd=ROOT, check=True, timeout=SECONDS)
    stamp, wanted = STORIES / "node_modules/.installed.json", (STORIES / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        npm(STORIES, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(wanted)


def test_the_types_of_the_page_hold() -> None:
    npm(PAGE, "run", "types")


def test_the_page_and_its_stories_have_no_findings_of_the_linter() -> None:
    npm(PAGE, "run", "lint")


@pytest.mark.parametrize("stories", ["chat", "conversation", "people", "faults", "access", "samples", "demo"])
def test_the_stories_of_people_come_true(stories: str) -> None:
    npm(STORIES, "test", "--", stories, CHROMIUM=find_or_install(), PARLEY_PYTHON=sys.executable)
