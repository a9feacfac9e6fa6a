"""A server process of the tests, and a client that speaks raw frames to it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0  # no answer in so many seconds is a failure, on a busy machine too
ORIGIN = "https://app.example.com"  # of a web app that may call
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Served:
    """The applications of apps.py in a process of their own."""

    def __init__(self, errors: Path, **limits: float) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
            self.port: int = listener.getsockname()[1]
            command = [sys.executable, "-m", "tests.realtime.server.apps", str(listener.fileno()), json.dumps(limits)]
            self.errors = errors
            with errors.open("wb") as stderr:
                self.process = subprocess.Popen(
                    command,
                    pass_fds=[listener.fileno()],
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    env={**os.environ, "CORS_ALLOWED_ORIGINS": ORIGIN},
                )
        self._reports: deque[dict[str, Any]] = deque()
        self._buffer = b""
        try:
            self.told("")
        except AssertionError:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def tag(self) -> str:
        return uuid4().hex

    def told(self, tag: str) -> dict[str, Any]:
        """The next report of the connection with this query string."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for line in list(self._reports):
                if line["tag"] == tag:
                    self._reports.remove(line)
                    return line
            self._read_reports(deadline)

    def _read_reports(self, deadline: float) -> None:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        data = os.read(self.process.stdout.fileno(), 65_536) if ready else b""
        if not data:
            raise AssertionError(f"The server said nothing more. {self.errors.read_text()}")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._reports.extend(json.loads(line) for line in lines)

    def connect(self, path: str, **options: Any) -> ClientConnection:
        client: ClientConnection = connect(f"ws://127.0.0.1:{self.port}{path}", open_timeout=PATIENCE, **options)
        return client

    def raw(self, path: str, receive_buffer: int | None = None) -> RawSocket:
        return RawSocket(self.port, path, receive_buffer)

    def tcp(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def exchange(self, data: bytes) -> bytes:
        """Send it on a connection of its own; everything that comes back until the server ends the connection."""
        with self.tcp() as tcp:
            tcp.sendall(data)
            return read_all(tcp)

    def memory(self) -> int:
        """Bytes that the server holds in real memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


class RawSocket:
    """A websocket client that sends only the given bytes, and answers no ping."""

    def __init__(self, port: int, path: str, receive_buffer: int | None = None) -> None:
        self.tcp = socket.socket()
        self.tcp.settimeout(PATIENCE)
        if receive_buffer is not None:
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.tcp.connect(("127.0.0.1", port))
        self.tcp.sendall(HANDSHAKE.format(path=path).encode())
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self._exactly(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.tcp.close()

    def send(self, payload: bytes = b"", opcode: int = TEXT, *, fin: bool = True) -> None:
        self.tcp.sendall(frame(payload, opcode, fin=fin))

    def read(self) -> tuple[int, bytes]:
        """The next frame: its opcode and payload."""
        first, length = self._exactly(2)
        assert first & 0x80, "The server never fragments"
        assert length < 0x80, "The server never masks"
        if length >= 126:
            length = int.from_bytes(self._exactly(2 if length == 126 else 8))
        return first & 0x0F, self._exactly(length)

    def read_end(self) -> tuple[dict[str, Any] | None, int, str]:
        """The last frames of the server: the goodbye if there is one, close code and reason. Pings are skipped."""
        last = None
        while True:
            opcode, payload = self.read()
            if opcode == CLOSE:
                return last, int.from_bytes(payload[:2]), payload[2:].decode()
            if opcode == TEXT and payload.startswith(b"{"):
                last = json.loads(payload)

    def wait_until_gone(self) -> None:
        """Read until the connection has ended, in whatever way."""
        try:
            while self.tcp.recv(65_536):
                pass
        except ConnectionError:
            pass

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.tcp.recv(count - len(data))
            if not more:
                raise EOFError(data)
            data += more
        return data


def read_all(tcp: socket.socket) -> bytes:
    """Everything until the other side ends the connection; a reset is a ConnectionResetError."""
    answer = b""
    while more := tcp.recv(65_536):
        answer += more
    return answer


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True) -> bytes:
    """A client's frame, masked with zeros."""
    first = opcode | (0x80 if fin else 0)
    if len(payload) < 126:
        head = struct.pack("!BB", first, 0x80 | len(payload))
    elif len(payload) < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, len(payload))
    return head + bytes(4) + payload


def goodbye(code: int, reason: str, *, reconnect: bool) -> dict[str, Any]:
    return {
        "action": "goodbye",
        "data": {"code": code, "reason": reason, "reconnect": reconnect, "retry_after_ms": None},
    }
