"""The Dockerfile, checked by hadolint and against the rest of the repository."""

import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FINAL_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def lint(text: str) -> subprocess.CompletedProcess[str]:
    hadolint = Path(sys.executable).with_name("hadolint")
    return subprocess.run([hadolint, "-"], input=text, capture_output=True, text=True, check=False)


def test_hadolint_finds_no_fault() -> None:
    linted = lint(DOCKERFILE)

    assert (linted.stdout, linted.returncode) == ("", 0)


def test_hadolint_finds_a_planted_bug() -> None:
    linted = lint(DOCKERFILE.replace("uv==0.13.9", "uv"))

    assert "DL3013" in linted.stdout


def test_the_image_runs_unprivileged_and_receives_signals() -> None:
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", FINAL_STAGE, re.MULTILINE)
    assert FINAL_STAGE.rstrip().endswith('CMD ["python", "manage.py", "serve"]')


def test_the_image_has_every_package_and_only_existing_files() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", FINAL_STAGE, re.MULTILINE)
    sources = {source for line in copied for source in shlex.split(line)[:-1]}

    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")} - {"tests", "clients"}
    assert packages <= sources
    assert all((ROOT / source).exists() for source in sources)


def sent_to_the_engine(path: str) -> bool:
    """Return whether .dockerignore lets the build see a path: the last line that matches it counts."""
    seen = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#") and fnmatch(path, line.removeprefix("!").removeprefix("**/")):
            seen = line.startswith("!")
    return seen


def test_the_build_sees_the_copied_files_and_no_secret() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)

    assert all(sent_to_the_engine(source) for line in copied for source in shlex.split(line)[:-1])
    assert not any(map(sent_to_the_engine, [".env", "secrets", ".git", ".var", ".venv", "tests", "__pycache__"]))


@pytest.mark.parametrize("path", [".env", "secrets/secret_key"])
def test_git_ignores_secrets(path: str) -> None:
    ignored = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT, check=False)

    assert ignored.returncode == 0


def test_private_files_become_readable_before_the_image_runs() -> None:
    """COPY keeps the modes of files, and a clone made under umask 077 has private files."""
    opened = FINAL_STAGE.index("chmod -R a+rX .")

    assert FINAL_STAGE.rindex("\nCOPY ") < opened < FINAL_STAGE.index("\nUSER ")


def test_uv_has_the_version_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (pinned,) = re.findall(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)

    assert f"uv=={pinned}" in DOCKERFILE
