"""A room on a server, and the clients of examples/ as processes: what the tests of the clients are written with."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest

from tests.servers import ROOT
from tests.services import wait_until

PATIENCE = 30.0
EXAMPLES = ROOT / "examples"


def node() -> list[str]:
    """The command that runs a JavaScript module, in `make test-clients`, which has found Node; elsewhere a skip."""
    if "TEST_CLIENTS" not in os.environ:
        pytest.skip("JavaScript runs in `make test-clients`.")
    path = shutil.which("node")
    assert path, "`make test-clients` needs Node."
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return [path, "--experimental-websocket"] if int(version[1:].split(".")[0]) < 22 else [path]


def command(language: str) -> list[str]:
    """The command that starts a client, without its arguments."""
    if language == "python":
        return [sys.executable, str(EXAMPLES / "client.py")]
    return [*node(), str(ROOT / "tests/docs/drive.mjs"), str(EXAMPLES / "client.mjs")]


class Room:
    """A room on one server, used by REST; `join` makes it for the first user."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20)
        self.id = ""

    def join(self, name: str) -> str:
        """Register a user, add them to the room and return their token."""
        body = {"username": f"{name}-{uuid4().hex[:8]}", "password": "correct-horse-battery"}
        token: str = self.http.post("/v1/auth/register", json=body).json()["token"]
        if self.id:
            self.post(f"rooms/{self.id}/join", token)
        else:
            self.id = self.post("rooms", token, kind="public", name="Tea")["id"]
        return token

    def post(self, path: str, token: str, **body: Any) -> Any:
        answer = self.http.post(f"/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def send(self, text: str, token: str) -> None:
        self.post(f"rooms/{self.id}/messages", token, client_id=uuid4().hex, text=text)

    def history(self, token: str) -> list[dict[str, Any]]:
        path = f"/v1/rooms/{self.id}/messages?limit=100"
        answer = self.http.get(path, headers={"Authorization": f"Bearer {token}"})
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def texts(self, token: str) -> list[str]:
        return [message["text"] for message in self.history(token)]


class Device:
    """A client as a process, with a store that outlives it and that other devices may share."""

    def __init__(self, language: str, store: Path, url: str, token: str, room: str, **env: str) -> None:
        self.language, self.store, self.room = language, store, room
        self.output = store.with_name(f"{store.name}-{uuid4().hex[:8]}.out")
        self.command = [*command(language), url, token, room, str(store)]
        self.environment = os.environ | env

    def start(self, **options: Any) -> None:
        """Start with an empty output, as when a user opens the app."""
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
        """The unsent texts of all users in the store; none before the client has made it."""
        if not self.store.exists():
            return []
        if self.language == "python":
            return [text for (text,) in self._rows("SELECT text FROM unsent ORDER BY id")]
        return [self._read(path) for path in sorted(self.store.iterdir()) if " unsent " in unquote(path.name)]

    def state(self) -> dict[str, Any]:
        """Wait until the store holds the room for this device; return the cursor, the epoch and the messages."""
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
            return ""  # sent at this moment

    def kill(self) -> None:
        """End the process without a chance to tidy up."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def wait(self) -> str:
        """Close the input, which keeps Node alive, wait for the end of the process and return its stderr."""
        stderr: str = self.process.communicate(timeout=PATIENCE)[1]
        return stderr
