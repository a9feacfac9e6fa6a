"""Tests compose.yaml on a real engine: start, tour through the proxy, four servers, rolling restart, upgrade, stop.

It runs the commands of README.md and docs/operations.md in a clone of the last commit, made under umask 077, as a
project of its own: names, port and network differ from those of a Parley that may run on the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.docs.readme import ADDRESS, blocks, section
from tests.proxy.load import Load
from tests.servers import ROOT
from tests.services import free_port

PROJECT = "parley-compose-test"
NETWORK = "10.87.214"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
NO_ENGINE = "make compose-test needs a container engine with Compose 2.24 or newer, and found none: {reason}"


class Failed(Exception):
    """A step failed to do what the documents promise; the text has the step."""


class Project:
    """A clone of the repository whose containers have the project name of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "PARLEY_PORT": f"127.0.0.1:{self.port}",
            "FRONT_NETWORK": NETWORK,
        }

    def run(self, script: str) -> str:
        """Run commands of the documents in the clone. Raises Failed if one fails."""
        command = ["bash", "-euc", f"umask 077\n{script}"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            raise Failed(f"{script.strip()}\nended with {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def remove(self) -> None:
        """Remove all containers with their volumes and networks."""
        self.run("docker compose down --volumes --timeout 5")

    def expect_ready(self) -> None:
        """Raise Failed unless /readyz returns 200 through the proxy."""
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as response:
            if response.status != 200:
                raise Failed(f"/readyz answered {response.status}")


def fenced(language: str) -> str:
    """Return a block of docs/operations.md."""
    (block,) = blocks(OPERATIONS, language)
    return block


def first_lines() -> tuple[str, str, str]:
    """Return the commands for containers in the README: secrets, start, four servers."""
    text = section("In production").partition("**Without.**")[0]
    lines = "\n".join(line.removeprefix("    ") for line in text.splitlines() if line.startswith("    "))
    found = re.fullmatch(r"(for name .*done > \.env)\n(docker compose up .*)\n(docker compose up .*)", lines, re.DOTALL)
    if found is None:
        raise Failed("README.md no longer has three commands for containers")
    return found[1], found[2], found[3]


def under_load(project: Project, step: str, script: str) -> None:
    """Run commands while clients send and listen. Raises Failed if a send fails or a message is lost."""
    with Load(project.url) as load:
        load.wait_for(50)
        project.run(script)
        load.wait_for(50)
    print(
        f"  {len(load.acknowledged)} sends acknowledged, {sum(load.failures.values())} failed {dict(load.failures)}, "
        f"{load.lost} lost, {load.doubles} doubled, slowest {load.slowest:.1f} s",
        flush=True,
    )
    if load.failures or load.lost or load.doubles:
        raise Failed(f"{step}: not every send was acknowledged at once, or not every message arrived once")


def steps(project: Project) -> None:
    """Run every step that the documents promise, in their order."""
    secrets, start, scale = first_lines()
    announce("secrets and start", project.run, f"{secrets}\n{start}")
    project.expect_ready()
    announce("the tour", take_the_tour, project)
    announce("four servers", project.run, f"{scale} --wait")
    if len(project.run("docker compose ps --quiet web").split()) != 4:
        raise Failed("there are no four servers")
    announce("a rolling restart under load", under_load, project, "rolling restart", fenced("sh restart"))
    announce("an upgrade under load", under_load, project, "upgrade", fenced("sh upgrade"))
    announce("stop and start", project.run, f"docker compose stop\n{start}")
    project.expect_ready()
    announce("stop", project.run, "docker compose down")


def take_the_tour(project: Project) -> None:
    """Run the commands of the README's tour through the proxy, with the tools of this repository's .venv."""
    script = "\n".join(blocks(section("A tour"), "sh"))
    if not script.startswith(ADDRESS):
        raise Failed("the tour no longer begins with the address")
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    typed = project.run(script.replace(ADDRESS, f"PARLEY={project.url}\n"))
    if re.findall("^HTTP .*", typed, re.MULTILINE) != ["HTTP 201", "HTTP 200"] or '"hi"' not in typed:
        raise Failed(f"the tour printed something else:\n{typed}")


def announce(step: str, action: Callable[..., object], *arguments: object) -> None:
    """Run a step; print its name before it and its duration after it."""
    print(f"{step} ...", flush=True)
    began = time.monotonic()
    action(*arguments)
    print(f"  done in {time.monotonic() - began:.1f} s", flush=True)


def missing_engine() -> str:
    """Return the missing part that containers need, or an empty text."""
    if shutil.which("docker") is None:
        return "there is no `docker` on PATH."
    for command, missing in {
        ("docker", "compose", "version"): "`docker compose` is not installed",
        ("docker", "info"): "the engine does not answer",
    }.items():
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        if tried.returncode:
            return f"{missing}: {(tried.stderr or tried.stdout).strip()}"
    return ""


def main() -> int:
    """Run all steps, and return the exit code: 0 if all of them passed."""
    if reason := missing_engine():
        print(NO_ENGINE.format(reason=reason), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="parley-compose-") as folder:
        clone = Path(folder) / "parley"
        subprocess.run(["bash", "-c", f"umask 077; git clone --quiet '{ROOT}' '{clone}'"], check=True)
        project = Project(clone)
        try:
            steps(project)
        except (Failed, AssertionError, urllib.error.URLError) as error:
            print(f"failed: {error}", file=sys.stderr)
            print(project.run("docker compose ps --all; docker compose logs --tail 20 || true"), file=sys.stderr)
            return 1
        finally:
            project.remove()
    print("All of it works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
