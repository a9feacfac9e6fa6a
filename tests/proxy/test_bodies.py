"""Bodies that are slow, incomplete, malformed or too large: the answer is right, and other clients are not affected."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from realtime.server.limits import Limits
from tests.proxy.people import Sender
from tests.proxy.proxy import Proxy
from tests.proxy.raw import Answer, exchange, head
from tests.servers import ParleyServer

BODY = json.dumps({"client_id": "slow-1", "text": "hello"}).encode()
LOGIN = "POST /v1/auth/login"
JSON = "Content-Type: application/json"
MALFORMED = head(LOGIN, JSON, "Transfer-Encoding: chunked") + b"5\r\nabcde\r\nZZ\r\n"
CHUNK = b"fff0\r\n" + b"a" * 0xFFF0 + b"\r\n"
OVERSIZED = head(LOGIN, JSON, "Transfer-Encoding: chunked") + CHUNK * 20 + b"0\r\n\r\n"
BROKEN_OFF = head(LOGIN, JSON, "Content-Length: 100") + b'{"a":'


def announce(sender: Sender, length: int = len(BODY)) -> bytes:
    """Return the head of a request that sends a message."""
    return head(f"POST {sender.path}", f"Authorization: Bearer {sender.token}", JSON, f"Content-Length: {length}")


def trickle(connection: socket.socket) -> None:
    """Send the body so slowly that the server gives up first."""
    connection.settimeout(0.2)
    for byte in BODY:
        connection.sendall(bytes((byte,)))
        try:
            if connection.recv(1, socket.MSG_PEEK):
                break  # the answer came before the end of the body
        except TimeoutError:
            continue
    connection.settimeout(30)


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def test_a_slow_body_is_rejected_by_the_server(proxy: Proxy, sender: Sender) -> None:
    answer = exchange(proxy.port, announce(sender), trickle)

    assert (answer.status, answer.problem["code"]) == (400, "request.invalid")
    assert answer.problem["detail"] == "The request took too long to arrive."
    assert "slow-1" not in sender.stored()


def test_a_slow_body_is_never_acknowledged_by_the_proxy(servers: list[ParleyServer], sender: Sender) -> None:
    """The proxy's deadline is shorter than the server's here, as it may be in a changed configuration."""
    changes = {"read_body 60s": "read_body 500ms"}
    with Proxy([server.port for server in servers], changes=changes) as hasty:
        answer = exchange(hasty.port, announce(sender))

    assert (answer.status, answer.problem["code"]) == (400, "request.invalid")
    assert "slow-1" not in sender.stored()


def test_an_incomplete_body_is_never_acknowledged(proxy: Proxy, sender: Sender) -> None:
    answer = exchange(proxy.port, announce(sender) + BODY[:10], half_close)

    assert (answer.status, answer.problem["code"]) == (400, "request.invalid")
    assert "slow-1" not in sender.stored()


def test_a_malformed_chunk_is_rejected(proxy: Proxy) -> None:
    answer = exchange(proxy.port, MALFORMED)

    assert (answer.status, answer.problem["code"]) == (400, "request.invalid")


@pytest.mark.parametrize("broken", [MALFORMED, OVERSIZED, BROKEN_OFF], ids=["malformed", "oversized", "broken off"])
def test_broken_requests_do_not_make_a_server_unavailable(proxy: Proxy, sender: Sender, broken: bytes) -> None:
    statuses: list[int] = []

    def read() -> None:
        with httpx.Client(headers=sender.headers, timeout=30) as client:
            statuses.extend(client.get(f"{proxy.url}/v1/rooms/{sender.room_id}").status_code for _ in range(20))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        assert exchange(proxy.port, broken, half_close).status in {400, 413}

    assert statuses == [200] * 40


def declared(length: int) -> Callable[[Sender], bytes]:
    return lambda sender: announce(sender, length) + b" " * length


def chunked(chunks: int) -> Callable[[Sender], bytes]:
    start = ("Transfer-Encoding: chunked", JSON)
    body = CHUNK * chunks + b"0\r\n\r\n"
    return lambda sender: head(f"POST {sender.path}", f"Authorization: Bearer {sender.token}", *start) + body


@pytest.mark.parametrize(
    "request_of",
    [declared(Limits().body_bytes + 1), chunked(5), declared(2**20 + 1), chunked(20)],
    ids=["declared, server", "chunked, server", "declared, proxy", "chunked, proxy"],
)
def test_a_too_large_body_gets_a_problem_document(
    proxy: Proxy, sender: Sender, request_of: Callable[[Sender], bytes]
) -> None:
    answer = exchange(proxy.port, request_of(sender))

    assert (answer.status, answer.problem["code"]) == (413, "request.too_large")


def test_a_connection_with_a_slow_header_is_cut(servers: list[ParleyServer]) -> None:
    with Proxy([server.port for server in servers], changes={"read_header 10s": "read_header 500ms"}) as proxy:
        began = time.monotonic()

        answer = exchange(proxy.port, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", keep_on_writing)

    assert answer == Answer(0, {}, b"")
    assert time.monotonic() - began >= 0.5


def keep_on_writing(connection: socket.socket) -> None:
    connection.settimeout(0.05)
    while True:
        connection.sendall(b"a")
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            continue
