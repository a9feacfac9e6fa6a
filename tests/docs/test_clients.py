"""The README's clients, run as programs: through crashes, restarts and a restored past each message is said once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.closes import CLOSES
from tests.docs.readme import blocks, section
from tests.realtime.deployment import Deployment
from tests.servers import ROOT
from tests.services import wait_until

PATIENCE = 30.0
LINES = 60
SOURCE = section("A client in 60 lines")


def source(language: str) -> str:
    [program] = blocks(SOURCE, language)
    return program


def command(language: str, folder: Path) -> list[str]:
    """How to start the program, once it is saved."""
    if language == "python":
        (folder / "client.py").write_text(source("python"))
        return [sys.executable, str(folder / "client.py")]
    node = shutil.which("node")
    if node is None:
        pytest.skip("The JavaScript client needs Node, which this machine does not have.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    flags = ["--experimental-websocket"] if int(version[1:].split(".")[0]) < 22 else []
    (folder / "client.mjs").write_text(source("js"))
    return [node, *flags, str(ROOT / "tests/docs/drive.mjs"), str(folder / "client.mjs")]


class Parley:
    """Somebody who speaks REST to one server, in one room."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20)
        self.room = ""

    def join(self, name: str) -> str:
        """Register, and come into the room; the token."""
        body = {"username": f"{name}-{uuid4().hex[:8]}", "password": "correct-horse-battery"}
        token: str = self.http.post("/v1/auth/register", json=body).json()["token"]
        if self.room:
            self.post(f"rooms/{self.room}/join", token)
        else:
            self.room = self.post("rooms", token, kind="public", name="Tea")["id"]
        return token

    def post(self, path: str, token: str, **body: Any) -> Any:
        answer = self.http.post(f"/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def say(self, text: str, token: str) -> None:
        self.post(f"rooms/{self.room}/messages", token, client_id=uuid4().hex, text=text)

    def history(self, token: str) -> list[dict[str, Any]]:
        path = f"/v1/rooms/{self.room}/messages?limit=100"
        answer = self.http.get(path, headers={"Authorization": f"Bearer {token}"})
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def said(self, token: str) -> list[str]:
        return [message["text"] for message in self.history(token)]


class Device:
    """The client as a process with a memory that outlives it."""

    def __init__(self, command: list[str], folder: Path, *arguments: str) -> None:
        self.store, self.output = folder / "chat.json", folder / "heard"
        self.command = [*command, *arguments, str(self.store)]

    def start(self) -> None:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE, text=True
            )

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def heard(self) -> list[str]:
        return [line.partition(": ")[2] for line in self.output.read_text().splitlines()]

    def until_heard(self, *texts: str) -> None:
        wait_until(lambda: set(texts) <= set(self.heard()), seconds=PATIENCE, what=f"{texts} not heard")

    def knows(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads(self.store.read_text())
        return known

    def kill(self) -> None:
        """Without a chance to tidy up."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def last_words(self) -> str:
        """What it said on stderr until it ended by itself; with the end of its input, which keeps Node alive."""
        return self.process.communicate(timeout=PATIENCE)[1]


@pytest.fixture(params=["python", "js"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def parley(deployment: Deployment) -> Iterator[Parley]:
    parley = Parley(deployment.servers[0].url)
    yield parley
    parley.http.close()


@pytest.fixture
def alice(parley: Parley) -> str:
    return parley.join("alice")


@pytest.fixture
def bob(parley: Parley, alice: str) -> str:
    return parley.join("bob")


@pytest.fixture
def device(language: str, parley: Parley, deployment: Deployment, alice: str, tmp_path: Path) -> Iterator[Device]:
    url = f"{deployment.servers[0].ws_url}/v1/ws"
    device = Device(command(language, tmp_path), tmp_path, url, alice, parley.room)
    device.start()
    yield device
    device.kill()


def test_it_survives_crashes_and_restarts(
    deployment: Deployment, parley: Parley, device: Device, alice: str, bob: str
) -> None:
    """What is said before, while and after the server is away is said once, and what was missed is heard once."""
    [server] = deployment.servers
    parley.say("from bob", bob)
    device.say("from alice")
    device.until_heard("from bob", "from alice")

    server.kill()
    device.say("while it was down")
    server.start()
    device.until_heard("while it was down")
    burst = [f"into the crash {n}" for n in range(10)]
    for text in burst:
        device.say(text)
    server.kill()
    server.start()
    wait_until(lambda: set(burst) <= set(parley.said(bob)), seconds=PATIENCE, what="not all said")
    device.until_heard(*burst)
    server.restart()
    device.say("after the restart")
    device.until_heard("after the restart")
    device.kill()
    parley.say("while the device was off", bob)
    device.start()
    device.until_heard("while the device was off")

    history = parley.history(bob)
    texts = [message["text"] for message in history]
    assert len(texts) == len(set(texts)) == 15
    assert sorted(device.heard()) == sorted(texts)
    wait_until(lambda: not device.knows()["unsent"], seconds=PATIENCE, what="not all acknowledged")
    assert device.knows()["messages"] == {message["id"]: message for message in history}


def test_a_past_that_was_rewritten_is_loaded_anew(
    deployment: Deployment, parley: Parley, device: Device, bob: str
) -> None:
    parley.say("before", bob)
    device.until_heard("before")
    before = device.knows()["epoch"]

    deployment.manage("raise_epoch")
    wait_until(lambda: device.knows()["epoch"] != before, seconds=PATIENCE, what="no reset")
    parley.say("after", bob)
    device.until_heard("after")

    known = device.knows()
    assert known["messages"] == {message["id"]: message for message in parley.history(bob)}
    assert known["cursor"] == max(message["version"] for message in known["messages"].values())


def test_it_stays_away_when_its_session_has_ended(parley: Parley, device: Device, alice: str, bob: str) -> None:
    parley.say("still here", bob)
    device.until_heard("still here")

    parley.post("auth/logout", alice)

    assert "Closed for good: session_revoked" in device.last_words()


def test_both_are_short() -> None:
    """Blank lines, and such that hold nothing but a closing bracket, do not count."""
    for language in ("python", "js"):
        lines = [line for line in source(language).splitlines() if line.strip(" ]});")]

        assert len(lines) <= LINES


def test_both_know_when_to_stay_away() -> None:
    """1008 is the one-room door's."""
    stay_away = sorted(close.code for close in CLOSES if not close.reconnect and close.code != 1008)

    for language in ("python", "js"):
        [line] = [line for line in source(language).splitlines() if "STOP = " in line]
        assert ", ".join(map(str, stay_away)) in line


def test_the_python_client_is_the_first_block() -> None:
    """As the command in the text takes it out."""
    [awk] = [line for line in SOURCE.splitlines() if line.startswith("`awk")]
    command = awk.split("`awk ")[1].split(" README.md")[0]

    taken = subprocess.run(f"awk {command} README.md", shell=True, cwd=ROOT, capture_output=True, text=True, check=True)

    assert taken.stdout == source("python")
