"""The rare close codes: each is caused once, and its goodbye is that of the contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contracts.world import Caller
from tests.realtime.deployment import Deployment
from tests.realtime.server.served import RawSocket
from tests.recording import record
from tests.servers import ParleyServer
from tests.sockets import Socket

QUICK_PINGS = {"WS_PING_INTERVAL_SECONDS": "1", "WS_PING_TIMEOUT_SECONDS": "1"}
FAULTY = {"DJANGO_SETTINGS_MODULE": "tests.contracts.faulty_settings", "WS_STALL_SECONDS": "1"}


@pytest.fixture(scope="module")
def server() -> Iterator[ParleyServer]:
    with Deployment(["daphne"], **FAULTY) as deployment:
        yield deployment.servers[0]


@pytest.fixture
def alice(server: ParleyServer) -> Iterator[Caller]:
    caller = Caller(server, "alice")
    yield caller
    caller.close()


@contextmanager
def raw_socket(alice: Caller, receive_buffer: int | None = None) -> Iterator[RawSocket]:
    """A socket of Alice that answers no ping."""
    with RawSocket(alice.server.port, "/v1/ws", receive_buffer) as socket:
        socket.send(json.dumps({"action": "authenticate", "token": alice.token}).encode())
        while b'"hello"' not in socket.read()[1]:
            pass
        yield socket


def read_close(socket: RawSocket) -> tuple[Any, int, str]:
    """The `reconnect` of the goodbye, the close code and its reason; they are checked against the contract."""
    goodbye, code, reason = socket.read_end()
    if goodbye is not None:
        record("received", "socket", goodbye)
    record("closed", "socket", {"code": code, "reason": reason})
    return goodbye and goodbye["data"]["reconnect"], code, reason


@pytest.mark.parametrize(
    ("token", "expected"), [("the-database-is-away", (1013, "unavailable")), ("a-bug", (1011, "internal"))]
)
async def test_a_server_error_closes_the_socket_with_reconnect(
    server: ParleyServer, token: str, expected: tuple[int, str]
) -> None:
    socket = await Socket.open(f"{server.ws_url}/v1/ws", token=token)

    end = await socket.end()

    assert (end.code, end.reason) == expected
    assert end.goodbye is not None
    assert end.goodbye["reconnect"]


def test_a_client_that_answers_no_ping_is_closed() -> None:
    with Deployment(["daphne"], **QUICK_PINGS) as deployment:
        alice = Caller(deployment.servers[0], "alice")
        with raw_socket(alice) as socket:
            assert read_close(socket) == (True, 4004, "heartbeat")
        alice.close()


def test_a_client_that_does_not_read_is_closed(alice: Caller) -> None:
    room = alice.make("/v1/rooms", {"kind": "private", "name": "Tea"})["id"]

    with raw_socket(alice, receive_buffer=64 * 1024) as socket:
        socket.send(json.dumps({"action": "subscribe", "room_id": room}).encode())
        for _ in range(2_000):  # the kernel's buffers take some megabytes before the server notices
            alice.make(f"/v1/rooms/{room}/messages", {"client_id": uuid4().hex, "text": "é" * 8_000})
            if not count_sockets(alice):
                break

        assert read_close(socket) == (True, 4002, "too_slow")


def count_sockets(alice: Caller) -> int:
    """The number of open sockets of the server."""
    answer: dict[str, int] = httpx.get(f"{alice.server.url}/_held", trust_env=False).json()
    return answer["sockets"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [(b"\x83\x80\x00\x00\x00\x00", 1002), (b"\x81\x82\x00\x00\x00\x00\xff\xfe", 1007)],
    ids=["a reserved opcode", "text that is not UTF-8"],
)
def test_a_protocol_error_closes_the_socket_without_a_goodbye(alice: Caller, sent: bytes, code: int) -> None:
    with raw_socket(alice) as socket:
        socket.tcp.sendall(sent)

        assert read_close(socket)[:2] == (None, code)


async def test_a_foreign_origin_receives_a_problem_before_the_close(server: ParleyServer, alice: Caller) -> None:
    """The one-room socket sends the problem before it closes."""
    headers = {"Origin": "https://elsewhere.example"}
    url = f"{server.ws_url}/ws/chat/lobby/"
    socket = await Socket.open(url, token=alice.token, headers=headers, face="room_socket")

    end = await socket.end()

    assert [frame["error"]["code"] for frame in socket.frames] == ["forbidden"]
    assert (end.code, end.reason) == (4406, "origin_not_allowed")


async def test_a_restarting_server_closes_sockets_with_reconnect() -> None:
    with Deployment(["daphne"]) as deployment:
        alice = Caller(deployment.servers[0], "alice")
        socket = await Socket.open(f"{alice.server.ws_url}/v1/ws", token=alice.token)
        await socket.hello()

        await asyncio.to_thread(deployment.servers[0].stop)

        end = await socket.end()
        alice.close()
    assert (end.code, end.reason) == (1012, "restart")
    assert end.goodbye is not None
    assert end.goodbye["reconnect"]
