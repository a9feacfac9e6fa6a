"""The Dockerfile, judged by hadolint and by what the rest of the repository says of it."""

import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
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


def sent_to_the_engine(path: str) -> bool:
    """Whether the build sees a path, by .dockerignore: the last line that names it counts."""
    seen = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#") and fnmatch(path, line.removeprefix("!").removeprefix("**/")):
            seen = line.startswith("!")
    return seen


def test_the_build_gets_what_it_copies_and_no_secret() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)

    assert all(sent_to_the_engine(source) for line in copied for source in shlex.split(line)[:-1])
    assert not any(map(sent_to_the_engine, [".env", ".git", ".var", ".venv", "tests", "__pycache__"]))


def test_git_ignores_the_file_with_the_secrets() -> None:
    ignored = subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=False)

    assert ignored.returncode == 0


def test_files_that_only_their_owner_can_read_are_opened_before_the_image_runs() -> None:
    """COPY keeps the modes of a clone that was made under umask 077."""
    opened = FINAL_STAGE.index("chmod -R a+rX .")

    assert FINAL_STAGE.rindex("\nCOPY ") < opened < FINAL_STAGE.index("\nUSER ")


def test_uv_is_pinned_as_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (pinned,) = re.findall(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)

    assert f"uv=={pinned}" in DOCKERFILE
