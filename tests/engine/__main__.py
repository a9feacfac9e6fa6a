"""Tests compose.yaml on a real engine: start, tour, rolling restart, faults, backup, upgrade, restore, stop.

It runs the commands of docs/tour.md, docs/deploy.md and docs/containers.md in a clone of the last commit, made under
umask 077, as a project of its own: names, port and network differ from those of a Parley that may run on the machine.
`python -m tests.engine restore` runs only the steps whose name begins with one of the given words, after the start.
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.docs.pages import ADDRESS, blocks, read
from tests.proxy.load import Load
from tests.proxy.people import Sender, register
from tests.servers import ROOT
from tests.services import free_port

LONGEST_PAUSE_SECONDS = 2.0  # in which no send is acknowledged, during a restart and an upgrade
PROJECT = "parley-compose-test"
# RATE_LIMITS=0, which the servers have here, would be an error.
DOCTOR = "docker compose exec -T --env RATE_LIMITS=1 web python manage.py doctor </dev/null"
# Starts all containers again, and fails unless the doctor finds no error within a minute.
RECOVER = f"""
    docker compose up --detach --wait --scale web=4
    timeout 60 sh -c 'until {DOCTOR}; do sleep 1; done'
"""
NETWORK = "10.87.214"
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
            "RATE_LIMITS": "0",  # a few people send as much as hundreds
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


def fenced(language: str, page: str = "docs/deploy.md") -> str:
    """Return a block of a page."""
    (block,) = blocks(read(page), language)
    return block


def under_load(project: Project, script: str, *, may_fail: bool = False) -> None:
    """Run commands while clients send and listen.

    Raises Failed if a message is lost or doubled and, unless `may_fail`, if a send fails or LONGEST_PAUSE_SECONDS pass
    without an acknowledged one.
    """
    with Load(project.url) as load:
        load.wait_for(50)
        project.run(script)
        load.wait_for(50)
    print(
        f"  {len(load.acknowledged)} sends acknowledged, {sum(load.failures.values())} refused {dict(load.failures)}, "
        f"{load.lost} lost, {load.doubles} doubled, slowest {load.slowest:.1f} s, "
        f"longest time without an acknowledged send {load.longest_pause:.1f} s",
        flush=True,
    )
    if load.lost or load.doubles:
        raise Failed("not every acknowledged message arrived once")
    if not may_fail and (load.failures or load.longest_pause > LONGEST_PAUSE_SECONDS):
        raise Failed("a send was refused, or sends waited for too long")


def doctor_finds(code: str) -> str:
    """Return commands that run the doctor in a server, and fail unless this error is among its findings."""
    return f"""
        if found=$({DOCTOR}); then echo "The doctor found no error: $found"; exit 1; fi
        echo "$found" | tee /dev/stderr | grep -q '^ERROR {code}: '
    """


def restart(project: Project) -> None:
    under_load(project, fenced("sh restart", "docs/containers.md"))


def lose_a_server(project: Project) -> None:
    under_load(project, 'docker kill "$(docker compose ps --quiet web | head -n 1)"; sleep 3', may_fail=True)
    project.run("docker compose up --detach --wait --scale web=4")


def lose_valkey(project: Project) -> None:
    under_load(project, "docker compose kill valkey; sleep 3")
    if '"degraded"' not in project.run(f"curl --fail --silent {project.url}/readyz"):
        raise Failed("/readyz is not degraded without Valkey")
    project.run(doctor_finds("redis.unreachable"))
    project.run(RECOVER)


def lose_the_database(project: Project) -> None:
    broken = (
        f"docker compose kill db; sleep 5; curl --silent {project.url}/readyz | tee /dev/stderr | grep -q unavailable"
    )
    under_load(project, f"{broken}\n{doctor_finds('database.unreachable')}\n{RECOVER}", may_fail=True)


def upgrade(project: Project) -> None:
    """Upgrade to code that differs, so that the image differs; the old servers must all be gone."""
    project.run("echo '# The next version.' >> settings/__init__.py")
    before = set(project.run("docker compose ps --quiet web").split())
    under_load(project, fenced("sh upgrade"))
    after = set(project.run("docker compose ps --quiet web").split())
    images = project.run("docker inspect --format '{{.Image}}' " + " ".join(after)).split()
    newest = project.run("docker inspect --format '{{.Id}}' parley").strip()
    if before & after or len(after) != len(before) or set(images) != {newest}:
        raise Failed(f"the servers are not new: {before} {after} {images} {newest}")


def refuse_a_broken_upgrade(project: Project) -> None:
    """Upgrade to code that does not start: the old servers go on, no send fails, and the backups go on."""
    project.run("echo 'raise SystemExit(\"This version does not start.\")' >> settings/asgi.py")
    before = project.run("docker compose ps --all --quiet web | sort")
    under_load(project, "! sh deploy/upgrade.sh\ndocker compose ps --status running backup | grep -q backup")
    if project.run("docker compose ps --all --quiet web | sort") != before:
        raise Failed("a failed upgrade changed the servers")
    project.run("git checkout --quiet settings && docker compose build migrate")


def restore(project: Project) -> None:
    """Make a backup, go on writing, lose the database with its volume, and restore, twice."""
    sender = register(project.url)
    send(sender, "before")
    project.run(fenced("sh backup") + "\nls -l parley-*.dump")
    send(sender, "after")
    epoch = room(sender)["epoch"]
    project.run(f"docker compose rm --stop --force db\ndocker volume rm {PROJECT}_db")
    project.run(fenced("sh restore"))
    if sender.stored() != ["before"] or room(sender)["epoch"] <= epoch:
        raise Failed(f"the restored room has {sender.stored()} and the epoch {room(sender)['epoch']}")
    send(sender, "again")
    from_file = fenced("sh restore").replace("docker compose run --rm restore\n", fenced("sh restore file"))
    project.run(f"newest=$(ls parley-*.dump)\n{from_file}")
    if sender.stored() != ["before"]:
        raise Failed(f"the room restored from the file has {sender.stored()}")


def send(sender: Sender, client_id: str) -> None:
    body = {"client_id": client_id, "text": "Tea?"}
    httpx.post(f"{sender.url}{sender.path}", json=body, headers=sender.headers, timeout=30).raise_for_status()


def room(sender: Sender) -> Any:
    url = f"{sender.url}/v1/rooms/{sender.room_id}"
    return httpx.get(url, headers=sender.headers, timeout=30).raise_for_status().json()


def inspect_secrets(project: Project) -> None:
    """Look for the secrets in the descriptions and logs of all containers, and for the limits of each."""
    secrets = [file.read_text().strip() for file in (project.folder / "secrets").iterdir()]
    ids = project.run("docker compose ps --all --quiet").split()
    shown = project.run(f"docker inspect {' '.join(ids)}; docker compose logs")
    if found := [secret for secret in secrets if secret and secret in shown]:
        raise Failed(f"{len(found)} secrets are shown by the engine")
    limits = "{{.Name}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{len .HostConfig.Ulimits}}"
    for line in project.run(f"docker inspect --format '{limits}' {' '.join(ids)}").splitlines():
        if "0" in line.split()[1:]:
            raise Failed(f"a container has no limit: {line}")


def scale(project: Project) -> None:
    project.run(f"{fenced('sh scale').strip()} --wait")
    if len(project.run("docker compose ps --quiet web").split()) != 4:
        raise Failed("there are no four servers")


def stop_and_start(project: Project) -> None:
    project.run("docker compose stop\ndocker compose up --detach --wait")
    project.expect_ready()


def take_the_tour(project: Project) -> None:
    """Run the commands of docs/tour.md through the proxy, with the tools of this repository's .venv."""
    script = "\n".join(blocks(read("docs/tour.md"), "sh"))
    if not script.startswith(ADDRESS):
        raise Failed("the tour no longer begins with the address")
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    typed = project.run(script.replace(ADDRESS, f"PARLEY={project.url}\n"))
    if re.findall("^HTTP .*", typed, re.MULTILINE) != ["HTTP 201", "HTTP 200"] or '"hi"' not in typed:
        raise Failed(f"the tour printed something else:\n{typed}")


STEPS: dict[str, Callable[[Project], None]] = {
    "tour": take_the_tour,
    "secrets and limits": inspect_secrets,
    "scale to four servers": scale,
    "restart one server after the other, under load": restart,
    "kill a server, under load": lose_a_server,
    "kill Valkey, under load": lose_valkey,
    "kill the database, under load": lose_the_database,
    "upgrade under load": upgrade,
    "broken upgrade under load": refuse_a_broken_upgrade,
    "restore a backup after the loss of the database": restore,
    "stop and start": stop_and_start,
}


def steps(project: Project, wanted: Sequence[str]) -> None:
    """Start, run each step that is wanted (all without one), and print its name before it and its duration after it."""
    announce("start", lambda each: each.run(fenced("sh start")), project)
    project.expect_ready()
    for name, step in STEPS.items():
        if not wanted or name.startswith(tuple(wanted)):
            announce(name, step, project)


def announce(name: str, step: Callable[[Project], object], project: Project) -> None:
    print(f"{name} ...", flush=True)
    began = time.monotonic()
    step(project)
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
            steps(project, sys.argv[1:])
        except (Failed, AssertionError, urllib.error.URLError, httpx.HTTPError) as error:
            print(f"failed: {error}", file=sys.stderr)
            print(project.run("docker compose ps --all; docker compose logs --tail 20 || true"), file=sys.stderr)
            return 1
        finally:
            project.remove()
    print("All of it works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
