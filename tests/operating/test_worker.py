"""manage.py worker and kill -9: another process continues a job that dies with its own, and nothing happens twice

It holds a room's row while a job wants it, so it runs on PostgreSQL; SQLite has one lock for everything.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.contracts.world import Caller
from tests.realtime.deployment import Deployment
from tests.servers import ROOT
from tests.services import wait_until

SECONDS = 90.0  # the lease of a killed process ends after ten
ROOMS, MESSAGES = 6, 2


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """A server that leaves the jobs to workers."""
    with Deployment(["daphne"], RUN_JOBS="0") as deployment:
        yield deployment


@contextmanager
def process(deployment: Deployment, log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a management command in a process of its own, and end it."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=deployment.servers[0].environment,
            stdout=output,
            stderr=output,
        )
        try:
            yield started
        finally:
            started.kill()
            started.wait()


def events_of(reader: Caller, room: str) -> list[dict[str, Any]]:
    return list(reader.make(f"/v1/rooms/{room}/events", method="GET")["results"])


def deletions(reader: Caller, room: str) -> int:
    return sum(event["type"] == "message.deleted" for event in events_of(reader, room))


@pytest.fixture
def alice(deployment: Deployment) -> Iterator[Caller]:
    with closing(Caller(deployment.servers[0], "alice")) as alice:
        yield alice


@pytest.fixture
def bob(deployment: Deployment) -> Iterator[Caller]:
    with closing(Caller(deployment.servers[0], "bob")) as bob:
        yield bob


def test_a_worker_continues_an_erasure_that_was_killed(
    deployment: Deployment, alice: Caller, bob: Caller, tmp_path: Path
) -> None:
    body = {"kind": "private", "name": "Tea", "members": [bob.id]}
    rooms = [alice.make("/v1/rooms", body)["id"] for _ in range(ROOMS)]
    for room in rooms:
        for text in range(MESSAGES):
            bob.make(f"/v1/rooms/{room}/messages", {"client_id": uuid4().hex, "text": f"{text}"})

    # The job cannot get past the last room before it dies.
    erase = ("erase_user", bob.id, "--yes")
    with deployment.holding(rooms[-1]), process(deployment, tmp_path / "erase", *erase) as erasing:
        wait_until(lambda: deletions(alice, rooms[0]) > 0, seconds=SECONDS, what="no erasure")
        assert deletions(alice, rooms[-1]) == 0
        erasing.send_signal(signal.SIGKILL)
        erasing.wait()
    with process(deployment, tmp_path / "worker", "worker") as worker, process(deployment, tmp_path / "b", "worker"):
        wait_until(lambda: is_erased(alice, rooms), seconds=SECONDS, what="not all erased")
        worker.terminate()
        assert worker.wait(timeout=SECONDS) == 0

    for room in rooms:
        types = [event["type"] for event in events_of(alice, room)]
        assert (types.count("message.deleted"), types.count("user.erased")) == (MESSAGES, 1)
        history = alice.make(f"/v1/rooms/{room}/messages", method="GET")["results"]
        assert [message["text"] for message in history] == [None] * MESSAGES
    assert "Traceback" not in (tmp_path / "worker").read_text() + deployment.servers[0].log.read_text()


def is_erased(reader: Caller, rooms: list[str]) -> bool:
    """Return whether every room has all of the events of an erasure."""
    found = [[event["type"] for event in events_of(reader, room)] for room in rooms]
    return all("user.erased" in types and types.count("message.deleted") >= MESSAGES for types in found)
