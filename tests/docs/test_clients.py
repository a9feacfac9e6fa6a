"""The clients in examples/, run as programs: each message is sent once and shown once, whatever breaks."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest

from realtime.close_codes import CloseCode
from tests.realtime.deployment import Deployment
from tests.servers import ROOT
from tests.services import wait_until

PATIENCE = 30.0
EXAMPLES = ROOT / "examples"


def command(language: str) -> list[str]:
    """How the client is started, without its arguments."""
    if language == "python":
        return [sys.executable, str(EXAMPLES / "client.py")]
    node = shutil.which("node")
    if node is None:
        pytest.skip("The JavaScript client needs Node, which this machine does not have.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    flags = ["--experimental-websocket"] if int(version[1:].split(".")[0]) < 22 else []
    return [node, *flags, str(ROOT / "tests/docs/drive.mjs"), str(EXAMPLES / "client.mjs")]


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
    """The client as a process, and a store that outlives it and that other devices may share."""

    def __init__(self, language: str, store: Path, url: str, token: str, room: str, **env: str) -> None:
        self.language, self.store, self.room = language, store, room
        self.output = store.with_name(f"{store.name}-{uuid4().hex[:8]}.out")
        self.command = [*command(language), url, token, room, str(store)]
        self.environment = os.environ | env

    def start(self, **options: Any) -> None:
        """Start with an empty output: what a user sees who opens the app."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                env=self.environment,
                **options,
            )

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def shown(self) -> list[str]:
        return [line.partition(": ")[2] for line in self.output.read_text().splitlines()]

    def wait_until_shown(self, *texts: str) -> None:
        wait_until(lambda: set(texts) <= set(self.shown()), seconds=PATIENCE, what=f"{texts} not shown")

    def wait_until_kept(self, *texts: str) -> None:
        wait_until(lambda: set(texts) <= set(self.unsent()), seconds=PATIENCE, what=f"{texts} not kept")

    def unsent(self) -> list[str]:
        """The texts of all users that wait in the store; none before the client has made it."""
        if not self.store.exists():
            return []
        if self.language == "python":
            return [text for (text,) in self._rows("SELECT text FROM unsent ORDER BY id")]
        return [self._read(path) for path in sorted(self.store.iterdir()) if " unsent " in unquote(path.name)]

    def state(self) -> dict[str, Any]:
        """The cursor, the epoch and the messages that the store holds of this device's user, once it holds them."""
        if self.language == "python":
            query = "SELECT cursor, epoch FROM rooms WHERE room = ?"
            wait_until(lambda: bool(self._rows(query, self.room)), seconds=PATIENCE, what="nothing stored")
            [(cursor, epoch)] = self._rows(query, self.room)
            bodies = [json.loads(body) for (body,) in self._rows("SELECT body FROM messages WHERE room = ?", self.room)]
            return {"cursor": cursor, "epoch": epoch, "messages": {body["id"]: body for body in bodies}}
        ending = f" room {self.room}"

        def records() -> list[Path]:
            return [path for path in self.store.iterdir() if unquote(path.name).endswith(ending)]

        wait_until(lambda: bool(records()), seconds=PATIENCE, what="nothing stored")
        [path] = records()
        state: dict[str, Any] = json.loads(self._read(path))
        return state

    def _rows(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.store)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'unsent'").fetchall():
                return []
            return connection.execute(query, values).fetchall()

    @staticmethod
    def _read(path: Path) -> str:
        try:
            return path.read_text()
        except FileNotFoundError:
            return ""  # it was sent at this moment

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def wait(self) -> str:
        """Wait until it ends by itself; its stderr. Closes its input, which keeps Node alive."""
        stderr: str = self.process.communicate(timeout=PATIENCE)[1]
        return stderr


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
def open_device(
    language: str, parley: Parley, deployment: Deployment, tmp_path: Path
) -> Iterator[Callable[..., Device]]:
    """Starts devices, of one store unless they are told another, and ends them."""
    devices: list[Device] = []

    def open_one(token: str, store: str = "store", **env: str) -> Device:
        url = f"{deployment.servers[0].ws_url}/v1/ws"
        device = Device(language, tmp_path / store, url, token, parley.room, **env)
        devices.append(device)
        device.start()
        return device

    yield open_one
    for device in devices:
        device.kill()


@pytest.fixture
def device(open_device: Callable[..., Device], alice: str) -> Device:
    return open_device(alice)


def test_it_survives_crashes_and_restarts(deployment: Deployment, parley: Parley, device: Device, bob: str) -> None:
    """Texts written before, during and after an outage are sent once and in order; missed messages are shown once."""
    [server] = deployment.servers
    parley.say("from bob", bob)
    device.type("from alice")
    device.wait_until_shown("from bob", "from alice")

    server.kill()
    device.type("while it was down")
    server.start()
    device.wait_until_shown("while it was down")
    burst = [f"into the crash {n}" for n in range(10)]
    for text in burst:
        device.type(text)
    server.kill()
    server.start()
    wait_until(lambda: set(burst) <= set(parley.said(bob)), seconds=PATIENCE, what="not all said")
    device.wait_until_shown(*burst)
    server.restart()
    device.type("after the restart")
    device.wait_until_shown("after the restart")
    before = device.shown()
    device.kill()
    parley.say("while the device was off", bob)
    device.start()
    device.wait_until_shown("while the device was off")

    history = parley.history(bob)
    texts = [message["text"] for message in history]
    assert len(texts) == len(set(texts)) == 15
    assert [text for text in texts if text in burst] == burst
    assert sorted(before) == sorted(texts[:-1])
    assert device.shown() == texts  # the store first, then what was missed
    wait_until(lambda: not device.unsent(), seconds=PATIENCE, what="not all acknowledged")
    assert device.state()["messages"] == {message["id"]: message for message in history}


def test_after_an_epoch_change_it_loads_the_room_again(
    deployment: Deployment, parley: Parley, device: Device, bob: str
) -> None:
    parley.say("before", bob)
    device.wait_until_shown("before")
    before = device.state()["epoch"]

    deployment.manage("raise_epoch")
    wait_until(lambda: device.state()["epoch"] != before, seconds=PATIENCE, what="no reset")
    parley.say("after", bob)
    device.wait_until_shown("after")

    state = device.state()
    assert state["messages"] == {message["id"]: message for message in parley.history(bob)}
    assert state["cursor"] == max(message["version"] for message in state["messages"].values())


def test_it_does_not_come_back_when_its_session_has_ended(parley: Parley, device: Device, alice: str, bob: str) -> None:
    parley.say("still here", bob)
    device.wait_until_shown("still here")

    parley.post("auth/logout", alice)

    assert "Closed for good: session_revoked" in device.wait()


def test_the_next_user_does_not_send_what_the_last_user_wrote(
    deployment: Deployment, parley: Parley, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    [server] = deployment.servers
    device = open_device(alice)
    device.type("alice, online")
    device.wait_until_shown("alice, online")
    server.kill()
    device.type("alice, offline")
    device.wait_until_kept("alice, offline")
    device.kill()
    server.start()

    bobs = open_device(bob)
    bobs.type("bob")
    bobs.wait_until_shown("bob")

    assert parley.said(bob) == ["alice, online", "bob"]
    assert device.unsent() == ["alice, offline"]
    device.start()
    device.wait_until_shown("alice, offline")
    assert [each["sender"]["username"][:3] for each in parley.history(bob)] == ["ali", "bob", "ali"]


def test_what_is_written_before_the_first_connection_is_sent_by_its_own_user(
    deployment: Deployment, parley: Parley, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    [server] = deployment.servers
    server.kill()
    device = open_device(alice)
    device.type("written offline")
    device.wait_until_kept("written offline")
    device.kill()
    server.start()

    open_device(bob).wait_until_shown()
    device.start()
    device.wait_until_shown("written offline")

    [message] = parley.history(bob)
    assert message["sender"]["username"].startswith("alice")
    wait_until(lambda: not device.unsent(), seconds=PATIENCE, what="not acknowledged")


def test_two_processes_on_one_store_lose_nothing(
    deployment: Deployment, parley: Parley, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    """The first keeps receiving and saving while the second writes without a connection and is closed."""
    [server] = deployment.servers
    first, second = open_device(alice), open_device(alice)
    parley.say("hello", bob)
    first.wait_until_shown("hello")
    second.wait_until_shown("hello")
    server.kill()
    second.type("from the second")
    second.wait_until_kept("from the second")
    second.kill()
    first.type("from the first")
    server.start()
    parley.say("and more", bob)

    first.wait_until_shown("and more", "from the first", "from the second")

    assert sorted(parley.said(bob)) == ["and more", "from the first", "from the second", "hello"]


def test_what_is_stored_is_shown_without_a_server(
    deployment: Deployment, parley: Parley, device: Device, bob: str
) -> None:
    [server] = deployment.servers
    parley.say("one", bob)
    parley.say("two", bob)
    device.wait_until_shown("one", "two")
    wait_until(lambda: len(device.state()["messages"]) == 2, seconds=PATIENCE, what="not stored")
    device.kill()
    server.kill()

    device.start()
    device.wait_until_shown("one", "two")

    server.start()
    assert device.shown() == ["one", "two"]


def test_a_full_store_loses_no_message(
    parley: Parley, language: str, open_device: Callable[..., Device], bob: str
) -> None:
    """It stores less, goes on receiving and sending, and says so."""
    device = open_device(parley.join("alice"), STORE_BYTES="2000")
    if language == "python":  # the same bound, by the system
        device.kill()
        device.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (49_152, 49_152)))
    for n in range(3):
        parley.say(f"{n} " + "x" * 7_900, bob)
    device.type("y" * 7_900)

    wait_until(lambda: len(device.shown()) == 4, seconds=PATIENCE, what="not all shown")

    assert sorted(text[0] for text in parley.said(bob)) == ["0", "1", "2", "y"]


def test_closing_the_javascript_client_ends_it(
    deployment: Deployment, parley: Parley, language: str, device: Device, bob: str
) -> None:
    """Without its timers, its socket and its attempts to come back, nothing keeps Node alive."""
    if language == "python":
        pytest.skip("The Python client is a task: to cancel it is to close it.")
    parley.say("hello", bob)
    device.wait_until_shown("hello")

    device.type("/close")

    assert device.wait() == ""
    assert device.process.returncode == 0


def test_the_javascript_client_comes_back_at_once_when_the_network_does(
    deployment: Deployment, parley: Parley, language: str, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    """With a pause that never ends, only the browser's event can bring it back."""
    if language == "python":
        pytest.skip("No such event outside a browser.")
    [server] = deployment.servers
    device = open_device(alice, JITTER="never")
    parley.say("hello", bob)
    device.wait_until_shown("hello")
    server.kill()
    device.type("written offline")
    device.wait_until_kept("written offline")
    server.start()

    device.type("/online")

    device.wait_until_shown("written offline")


def test_both_know_which_close_codes_are_final() -> None:
    """1008 belongs to the one-room socket."""
    final = sorted(close for close in CloseCode if not close.reconnect and close is not CloseCode.ROOM_REFUSED)

    for name in ("client.py", "client.mjs"):
        [line] = [line for line in (EXAMPLES / name).read_text().splitlines() if "STOP = " in line]
        assert ", ".join(map(str, final)) in line
