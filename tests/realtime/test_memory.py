"""Memory of REST responses (G8): a client that stops reading costs little, finished responses nothing."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer

MIB = 1024 * 1024
SLOW_READERS = 60
READERS = 20
MESSAGES = 400  # of the largest: eight times what one answer may hold
BYTES_OF_READER = 2 * MIB  # G8
ROUNDS = 4
SLACK = 48 * MIB  # one round that leaked its answers would leave 60, and three leave 180
LARGEST = {"text": "\U0001f600" * 4_000, "metadata": {"a": "x" * 4_000}}


class Reader(NamedTuple):
    """A user of the server with a room full of the largest messages."""

    server: ParleyServer
    token: str
    room: str

    def request(self, target: str) -> tuple[str, str, bytes]:
        """Method, path and body of a read that could answer with all of it."""
        if target == "sync":
            return "POST", "/v1/sync", json.dumps({"rooms": {self.room: 1}, "inbox": 1}).encode()
        if target == "rooms":
            return "GET", "/v1/rooms?limit=100", b""
        limit = {"messages": 100, "events": 200}[target]
        return "GET", f"/v1/rooms/{self.room}/{target}?limit={limit}", b""

    def send(self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} if self.token else {}
        connection.request(method, path, body or None, headers | {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()

    def call(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            encoded = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
            status, answer = self.send(connection, method, path, encoded)
            assert status < 300, answer
            return json.loads(answer)
        finally:
            connection.close()

    def read(self, target: str) -> tuple[int, bytes]:
        """The whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            return self.send(connection, *self.request(target))
        finally:
            connection.close()

    def stop_reading(self, target: str) -> socket.socket:
        """A connection that reads only the first byte of its response."""
        method, path, body = self.request(target)
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.server.port}"]
        lines += [
            f"Authorization: Bearer {self.token}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", self.server.port))
        connection.settimeout(60)
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return connection


def rss(server: ParleyServer) -> int:
    """Bytes of memory that the process holds."""
    fields = Path(f"/proc/{server.pid}/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) * 1024


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Deployment(("daphne",)) as deployment:
        server = deployment.servers[0]
        account = {"username": "alice", "password": "correct-horse-battery"}
        token = Reader(server, "", "").call("POST", "/v1/auth/register", account)["token"]
        body = {"kind": "private", "name": "Large", "history": "shared"}
        room = Reader(server, token, "").call("POST", "/v1/rooms", body)["id"]
        reader = Reader(server, token, room)
        with ThreadPoolExecutor(8) as threads:
            path = f"/v1/rooms/{room}/messages"
            sent = [
                threads.submit(reader.call, "POST", path, {"client_id": f"c{number}", **LARGEST})
                for number in range(MESSAGES)
            ]
            for each in sent:
                each.result()
        for target in ("sync", "messages", "events", "rooms"):  # what the first of each makes stays
            reader.read(target)
        yield reader


@pytest.mark.parametrize("target", ["sync", "messages", "events"])
def test_a_client_that_stops_reading_costs_at_most_two_mebibytes(reader: Reader, target: str) -> None:
    before = rss(reader.server)

    with ExitStack() as stack:
        for _ in range(SLOW_READERS):
            connection = stack.enter_context(reader.stop_reading(target))
            assert connection.recv(1) == b"H"  # the answer is made, and waits
        held = rss(reader.server) - before

    assert held < SLOW_READERS * BYTES_OF_READER


@pytest.mark.parametrize("target", ["sync", "messages", "events"])
def test_memory_of_finished_responses_is_reused(reader: Reader, target: str) -> None:
    sizes = []

    for _ in range(ROUNDS):
        with ThreadPoolExecutor(READERS) as threads:
            answers = list(threads.map(reader.read, [target] * READERS * 3))
        sizes.append(rss(reader.server))

    assert {status for status, _ in answers} == {200}
    assert all(MIB / 2 < len(body) < MIB + 64 * 1024 for _, body in answers)
    # The allocator keeps what the first round needed; it need not give it back to the system.
    assert sizes[-1] - sizes[0] < SLACK, sizes
