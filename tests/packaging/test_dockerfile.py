"""The Dockerfile, judged by hadolint and by what the rest of the repository says of it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FINAL_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def lint(text: str) -> subprocess.CompletedProcess[str]:
    hadolint = Path(sys.executable).with_name("hadolint")
    return subprocess.run([hadolint, "-"], input=text, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    linted = lint(DOCKERFILE)

    assert (linted.stdout, linted.returncode) == ("", 0)


def test_hadolint_finds_a_planted_bug() -> None:
    linted = lint(DOCKERFILE.replace("uv==0.13.9", "uv"))

    assert "DL3013" in linted.stdout


def test_it_ends_unprivileged_and_takes_signals() -> None:
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", FINAL_STAGE, re.MULTILINE)
    assert FINAL_STAGE.rstrip().endswith('CMD ["python", "manage.py", "serve"]')


def test_it_copies_every_package_and_nothing_that_is_not_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", FINAL_STAGE, re.MULTILINE)
    sources = {source for line in copied for source in shlex.split(line)[:-1]}

    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= sources
    assert all((ROOT / source).exists() for source in sources)


def test_uv_is_pinned_as_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (pinned,) = re.findall(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)

    assert f"uv=={pinned}" in DOCKERFILE
