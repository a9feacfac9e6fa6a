"""File descriptors: `serve` raises their limit, and reserves some for the database and the log."""

from __future__ import annotations

import json
import resource
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.servers import ParleyServer
from tests.services import wait_until

HARD = 256


class Limited(ParleyServer):
    """A server with these limits of file descriptors."""

    soft, hard = HARD, HARD

    def _options(self) -> dict[str, Any]:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.soft, self.hard))

        return {**super()._options(), "preexec_fn": limit}


@pytest.fixture(scope="module")
def parley() -> Iterator[Limited]:
    with Limited(env={"DJANGO_SETTINGS_MODULE": "tests.settings.patient_settings"}) as parley:
        yield parley


def post(parley: ParleyServer, path: str, body: object, token: str = "") -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(f"{parley.url}{path}", json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=20))


def call(listener: ClientConnection, **frame: Any) -> Any:
    request_id = uuid4().hex
    listener.send(json.dumps({**frame, "request_id": request_id}))
    while (answer := json.loads(listener.recv(20))).get("request_id") != request_id:
        pass
    return answer


def silent_connections(parley: ParleyServer, stack: ExitStack, count: int) -> list[socket.socket]:
    return [stack.enter_context(socket.create_connection(("127.0.0.1", parley.port), 5)) for _ in range(count)]


def raw_answer(parley: ParleyServer) -> bytes:
    """Send a request on a new connection, and return all bytes of the response."""
    with socket.create_connection(("127.0.0.1", parley.port), 10) as client:
        client.sendall(b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        try:
            while chunk := client.recv(65_536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def alive(parley: ParleyServer) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{parley.url}/livez", timeout=5).status == 200)
    except OSError:
        return False


def test_the_soft_limit_is_raised_to_the_hard_limit() -> None:
    class Soft(Limited):
        soft = 128

    with Soft() as parley:
        limits = Path(f"/proc/{parley.pid}/limits").read_text()

    assert next(line for line in limits.splitlines() if "open files" in line).split()[3:5] == [f"{HARD}"] * 2


def test_open_sockets_still_work_while_new_clients_are_rejected(parley: Limited) -> None:
    body = {"username": f"alice-{uuid4().hex[:8]}", "password": "correct horse battery"}
    token = post(parley, "/v1/auth/register", body)["token"]
    room = post(parley, "/v1/rooms", {"kind": "private", "name": "Tea"}, token)
    logged = len(parley.logs)
    with ExitStack() as stack:
        bearer = {"Authorization": f"Bearer {token}"}
        listener = stack.enter_context(connect(f"{parley.ws_url}/v1/ws", additional_headers=bearer))
        silent_connections(parley, stack, 400)

        for number in range(20):
            sent = call(listener, action="send_message", room_id=room["id"], client_id=f"{number}", text="still here")
            assert sent["response_status"] == 201, sent
        refused = raw_answer(parley)

        assert refused.startswith(b"HTTP/1.1 503 ")
        assert json.loads(refused.partition(b"\r\n\r\n")[2])["code"] == "unavailable"
        wait_until(lambda: alive(parley), seconds=20, what="not alive")
        with pytest.raises(urllib.error.HTTPError) as unready:
            urllib.request.urlopen(f"{parley.url}/readyz")
        assert json.load(unready.value)["parts"]["descriptors"] == "unavailable"

    wait_until(parley.ready, seconds=20, what="not ready")
    assert "New clients are refused" in parley.logs[logged:]
    assert str(HARD) in parley.logs[logged:]
    assert "Traceback" not in parley.logs
