"""Requests that no well-behaved client sends, as bytes on a TCP connection."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 30.0  # the longest wait for an answer


@dataclass(frozen=True)
class Answer:
    """The first response on a connection: status 0 when the connection ended without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The body, which must be a problem document that agrees with the status."""
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert found["request_id"] == self.headers["x-request-id"]
        return found


def connect(port: int) -> socket.socket:
    """Open a connection with a timeout for every wait."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(PATIENCE)
    return connection


def head(line: str, *headers: str) -> bytes:
    """Return the head of a request."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def exchange(port: int, request: bytes, then: Callable[[socket.socket], object] = lambda _: None) -> Answer:
    """Send a request on a connection of its own, do `then`, and read the answer."""
    with connect(port) as connection:
        try:
            connection.sendall(request)
            then(connection)
        except (BrokenPipeError, ConnectionResetError):
            pass  # rejected before everything was sent: the answer may have arrived
        return receive(connection)


def receive(connection: socket.socket) -> Answer:
    """Read the next response."""
    try:
        with connection.makefile("rb") as stream:
            first = stream.readline()
            if not first:
                return Answer(0, {}, b"")
            headers = {}
            while line := stream.readline().strip():
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            body = b""
            if "content-length" in headers:
                body = stream.read(int(headers["content-length"]))
            elif headers.get("transfer-encoding") == "chunked":
                while size := int(stream.readline(), 16):
                    body += stream.read(size)
                    stream.readline()
            return Answer(int(first.split()[1]), headers, body)
    except ConnectionResetError:
        return Answer(0, {}, b"")
