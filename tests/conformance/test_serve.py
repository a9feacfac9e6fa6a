"""`python -m clients.conformance.serve`, used as the tests of an app would, with the examples of the page."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.docs.devices import Room
from tests.docs.pages import blocks, read
from tests.servers import OURS, ROOT
from tests.services import free_port, wait_until

SECONDS = 60.0


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, httpx.Client, Path]]:
    """The address of the server for an app, its switches and its log, with no variable but those of the page."""
    [command] = blocks(read("docs/conformance.md"), "sh faults")
    command = f"exec env {command.replace('PORT=8000', f'PORT={free_port()}')}"
    variables = {"CONTROL_PORT": str(free_port())}
    database = f"sqlite:///{tmp_path_factory.mktemp('serve') / 'parley.sqlite3'}"
    settings = {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.realtime.live_settings"}
    theirs = {name: value for name, value in os.environ.items() if name not in OURS}
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=ROOT,
        env=theirs | {"SECRET_KEY": "only-for-tests-" * 4} | variables | settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    try:
        address, switches, log = (line.partition(": ")[2].strip() for line in lines)
        assert Path(log).exists()
        with httpx.Client(base_url=switches, trust_env=False, timeout=SECONDS) as control:
            yield address, control, Path(log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
        process.stdout.close()


def test_the_switches_of_the_page_work(app: tuple[str, httpx.Client, Path]) -> None:
    """Each body on the page is accepted, and `GET /` counts the faults."""
    address, control, _ = app
    page = read("docs/conformance.md")
    httpx.get(f"{address}/readyz", trust_env=False).raise_for_status()

    for text in blocks(page, "json fault"):
        control.post("/faults", json=json.loads(text)).raise_for_status()
    named = set(re.findall(r"^\| `(GET|POST) (/\w*)", page, re.MULTILINE))

    assert len(control.get("/").json()["faults"]) == len(blocks(page, "json fault")) > 2
    answer = control.get("/nowhere").json()["detail"]
    assert {f"{method} {path}" for method, path in named} == set(re.findall(r"(?:GET|POST) /\w*", answer)[1:])
    control.post("/heal").raise_for_status()
    assert control.get("/").json()["faults"] == []


def test_an_app_can_break_its_line(app: tuple[str, httpx.Client, Path]) -> None:
    address, control, _ = app
    room = Room(address)
    with room.http:
        token = room.join("alice")
    url = f"{address.replace('http', 'ws')}/v1/ws"
    fault = {"do": "change", "on": "push", "action": "hello", "patch": {"data": {"weather": "fine"}}}
    control.post("/faults", json=fault).raise_for_status()

    with connect(url, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None) as socket:
        hello = json.loads(socket.recv())
        control.post("/push", json={"frame": {"action": "weather", "data": None}}).raise_for_status()
        pushed = json.loads(socket.recv())
        control.post("/close", json={"code": 4002, "reason": "too_slow"}).raise_for_status()
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv()

    assert hello["data"]["weather"] == "fine"
    assert pushed["action"] == "weather"
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4002
    assert [each["kind"] for each in control.get("/frames").json()] == ["push"]


def test_what_cannot_be_a_fault_is_refused(app: tuple[str, httpx.Client, Path]) -> None:
    _, control, _ = app

    for path, body in (
        ("/faults", {"do": "explode", "on": "push"}),
        ("/faults", {"do": "cut", "on": "push", "colour": 1}),
        ("/close", {}),
        ("/push", {"frame": 1}),
        ("/server", {"do": "run"}),
        ("/release", {"id": 99}),
    ):
        assert control.post(path, json=body).status_code == 400, path
    assert control.post("/cut", headers={"Origin": "https://example.com"}).status_code == 403
    assert control.post("/cut", content="{").status_code == 400


def test_the_server_can_be_killed_and_started_again(app: tuple[str, httpx.Client, Path]) -> None:
    address, control, _ = app

    control.post("/server", json={"do": "kill"}).raise_for_status()
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{address}/readyz", trust_env=False)
    control.post("/server", json={"do": "start"}).raise_for_status()

    assert httpx.get(f"{address}/readyz", trust_env=False).status_code == 200


def test_the_log_has_the_requests_of_the_app(app: tuple[str, httpx.Client, Path]) -> None:
    address, _, log = app

    httpx.get(f"{address}/v1/me", trust_env=False)

    wait_until(lambda: "/v1/me" in log.read_text(), seconds=SECONDS, what="not in the log")
