"""Long polls and event streams through the proxy: nothing is collected, and no deadline of the proxy is shorter."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from queue import Queue
from typing import Any
from uuid import uuid4

import httpx

from tests.packaging.test_limits import in_force
from tests.proxy.people import Sender
from tests.proxy.proxy import Proxy
from tests.servers import ParleyServer

PATIENCE = 60


def frames(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the frames of a stream as they arrive."""
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])


def cursors(sender: Sender) -> dict[str, Any]:
    """The body with which the sender goes on."""
    page = httpx.post(f"{sender.url}/v1/sync", json={}, headers=sender.headers, timeout=PATIENCE).json()
    return {"rooms": {room["id"]: room["head"] for room in page["rooms"]}, "inbox": page["inbox"]["head"]}


def send(sender: Sender) -> str:
    """Send a message and return its client_id."""
    client_id = uuid4().hex
    body = {"client_id": client_id, "text": "Tea?"}
    httpx.post(f"{sender.url}{sender.path}", json=body, headers=sender.headers, timeout=PATIENCE).raise_for_status()
    return client_id


def test_each_frame_of_a_stream_arrives_at_once(sender: Sender) -> None:
    url, body = f"{sender.url}/v1/stream", cursors(sender)
    with httpx.stream("POST", url, json=body, headers=sender.headers, timeout=PATIENCE) as response:
        arriving = frames(response)
        assert [next(arriving)["action"] for _ in range(2)] == ["hello", "sync"]

        for _ in range(3):  # a proxy that collected the frames would deliver none of them
            client_id = send(sender)
            [event] = next(arriving)["data"]
            assert event["data"]["client_id"] == client_id


def test_a_poll_waits_behind_the_proxy(sender: Sender) -> None:
    body = {**cursors(sender), "wait_ms": 30_000}
    answers: Queue[httpx.Response] = Queue()

    def poll() -> None:
        answers.put(httpx.post(f"{sender.url}/v1/sync", json=body, headers=sender.headers, timeout=PATIENCE))

    thread = threading.Thread(target=poll)
    thread.start()
    client_id = send(sender)
    thread.join(PATIENCE)

    [room] = answers.get_nowait().json()["rooms"]
    assert client_id in [event["data"]["client_id"] for event in room["events"]]


def test_the_deadline_of_a_response_ends_a_stream(servers: list[ParleyServer], sender: Sender) -> None:
    """This is why `write` in compose.yaml is longer than the life of a stream."""
    with Proxy([server.port for server in servers], changes={"write 65m": "write 1s"}) as proxy:
        url, ended = f"{proxy.url}/v1/stream", False
        with httpx.stream("POST", url, json={}, headers=sender.headers, timeout=PATIENCE) as response:
            arriving = frames(response)
            assert next(arriving)["action"] == "hello"
            try:
                while not ended:
                    send(sender)
                    ended = next(arriving, None) is None
            except httpx.RemoteProtocolError:
                ended = True
        assert ended
    assert in_force()["server", "STREAM_SECONDS"] < in_force()["proxy", "write"]


def test_the_deadlines_of_requests_and_of_idle_connections_do_not_end_a_stream(
    servers: list[ParleyServer], sender: Sender
) -> None:
    short = {"read_header 10s": "read_header 1s", "read_body 60s": "read_body 1s", "idle 2m": "idle 1s"}
    short |= {"keepalive 20s": "keepalive 1s", "response_header_timeout 60s": "response_header_timeout 1s"}
    with Proxy([server.port for server in servers], changes=short) as proxy:
        url = f"{proxy.url}/v1/stream"
        with httpx.stream("POST", url, json=cursors(sender), headers=sender.headers, timeout=PATIENCE) as response:
            arriving = frames(response)
            opened = time.monotonic()
            assert [next(arriving)["action"] for _ in range(2)] == ["hello", "sync"]
            time.sleep(3)  # the duration is under test

            client_id = send(sender)

            [event] = next(arriving)["data"]
            assert event["data"]["client_id"] == client_id
            assert time.monotonic() - opened > 3


def test_a_restart_ends_a_stream_with_a_goodbye(servers: list[ParleyServer], sender: Sender) -> None:
    url = f"{sender.url}/v1/stream"
    with (
        httpx.stream("POST", url, json={}, headers=sender.headers, timeout=PATIENCE) as one,
        httpx.stream("POST", url, json={}, headers=sender.headers, timeout=PATIENCE) as other,
    ):
        streams = [frames(one), frames(other)]
        for stream in streams:
            assert next(stream)["action"] == "hello"
        for server in servers:
            server.restart()

        lasts = [list(stream)[-1] for stream in streams]

    assert [last["action"] for last in lasts] == ["goodbye"] * 2
    assert [(last["data"]["code"], last["data"]["reconnect"]) for last in lasts] == [(1012, True)] * 2
