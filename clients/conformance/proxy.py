"""A proxy between a client and a server that knows the frames of the socket, and breaks them by rules."""

from __future__ import annotations

import asyncio
import json
import time
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.frames import Opcode

from clients.conformance.faults import Deed, Json, Kind, Rule
from clients.conformance.frames import Message, close, encode, messages
from tests.chaos.proxies import CHUNK, Proxy

MAX_HEAD_BYTES = 64 * 1024
CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Passed:
    """A frame that came to the proxy, with the time by the monotonic clock."""

    at: float
    line: int
    kind: Kind
    frame: Json
    size: int


@dataclass
class FaultProxy(Proxy):
    """Passes HTTP on as it is, and websocket frames by the rules in `rules`. `log` has all frames, in order.

    It listens on `port` of `host`, by default on a free one of loopback.
    """

    host: str = "127.0.0.1"

    rules: list[Rule] = field(default_factory=list)
    log: list[Passed] = field(default_factory=list)
    attempts: list[float] = field(default_factory=list)  # the times of all connections for a websocket
    targets: list[str] = field(default_factory=list)  # the first line of each request
    upgrade_answer: tuple[int, str] | None = None  # status and body, instead of the upgrade
    is_refusing: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lines: dict[int, Line] = {}

    async def start(self) -> Self:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port, limit=MAX_HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        """The address of REST and of the socket through this proxy."""
        return f"http://127.0.0.1:{self.port}"

    def add(self, rule: Rule) -> Rule:
        """Put a rule in force, behind those that are."""
        self.rules.append(rule)
        return rule

    def heal(self) -> None:
        """End all faults; what is held passes."""
        super().heal()
        self.is_refusing, self.upgrade_answer = False, None
        for rule in self.rules:
            rule.release()
        self.rules.clear()

    def push(self, frame: Json) -> None:
        """Send a frame to every open line, as if the server had."""
        for line in self.lines.values():
            line.to_client(text(frame))

    def close_all(self, code: int, reason: str, goodbye: Json | None = None) -> None:
        """Close every open line with this code, after a goodbye if there is one."""
        for line in tuple(self.lines.values()):
            line.close(code, reason, goodbye)

    def requests(self, action: str | None = None, *, line: int | None = None) -> list[Passed]:
        """The client's frames with this action, on this line or on any."""
        return [
            each
            for each in self.log
            if each.kind == "request" and action in (None, each.frame.get("action")) and line in (None, each.line)
        ]

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()  # the end of the proxy: asyncio's own callback would report the exception
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._flows.wait()
        if self.is_refusing:
            self.attempts.append(time.monotonic())
            return writer.transport.abort()
        head = await reader.readuntil(b"\r\n\r\n")
        self.targets.append(head.split(b"\r\n", 1)[0].decode())
        is_socket = b"\r\nupgrade: websocket" in head.lower()
        if is_socket:
            self.attempts.append(time.monotonic())
        if is_socket and self.upgrade_answer:
            status, body = self.upgrade_answer
            answer = f"HTTP/1.1 {status} Odd\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
            writer.write(answer.encode())
            await writer.drain()
            return None
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=MAX_HEAD_BYTES)
        except OSError:
            self.counters.refused += 1
            raise
        self._writers.add(far_writer)
        try:
            if is_socket:
                await Line(self, (reader, writer), (far_reader, far_writer)).run(head)
            else:
                far_writer.write(head)
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._writers.discard(far_writer)
            far_writer.close()
        return None


class Line:
    """One websocket of a client, through the proxy."""

    def __init__(
        self, proxy: FaultProxy, near: tuple[StreamReader, StreamWriter], far: tuple[StreamReader, StreamWriter]
    ) -> None:
        self.proxy = proxy
        self.number = len(proxy.attempts)
        self.near, self.near_writer = near
        self.far, self.far_writer = far
        self._held: list[tuple[Kind, Rule, Message]] = []
        self._is_closed = False

    async def run(self, head: bytes) -> None:
        """Pass the handshake on, without extensions, and then frame by frame until one side ends."""
        lines = [each for each in head.split(b"\r\n") if not each.lower().startswith(b"sec-websocket-extensions")]
        self.far_writer.write(b"\r\n".join(lines))
        answer = await self.far.readuntil(b"\r\n\r\n")
        self.near_writer.write(answer)
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            while chunk := await self.far.read(CHUNK):
                self.near_writer.write(chunk)
            return
        self.proxy.lines[self.number] = self
        directions = [asyncio.ensure_future(self._up()), asyncio.ensure_future(self._down())]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            # The side that is left may still have the other half of the closing handshake.
            self.proxy.lines.pop(self.number, None)
            await asyncio.wait(directions, timeout=CLOSE_SECONDS)
        finally:
            self.proxy.lines.pop(self.number, None)
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _up(self) -> None:
        """Pass on the messages of the client."""
        async for message in messages(self.near, masked=True):
            if not self.proxy._flows.is_set():
                await self.proxy._flows.wait()
            frame = self._read(message)
            if frame is None:
                self.to_server(message)
            elif not self._is_closed:
                self._note("request", frame, message)
                self._judge("request", frame)
            await self.far_writer.drain()
        if not self._is_closed:
            self.far_writer.close()

    async def _down(self) -> None:
        """Pass on the messages of the server."""
        async for message in messages(self.far, masked=False):
            if not self.proxy._flows.is_set():
                await self.proxy._flows.wait()
            frame = self._read(message)
            if frame is None:
                self.to_client(message)
            else:
                kind: Kind = "reply" if "request_id" in frame else "push"
                self._note(kind, frame, message)
                self._judge(kind, frame)
            await self.near_writer.drain()
        if not self._is_closed:
            self.near_writer.close()

    def _read(self, message: Message) -> Json | None:
        """The frame in a message; None for control frames and for what cannot be read."""
        if message.opcode is not Opcode.TEXT:
            return None
        try:
            frame = json.loads(message.data)
        except ValueError:
            return None
        return frame if isinstance(frame, dict) else None

    def _note(self, kind: Kind, frame: Json, message: Message) -> None:
        self.proxy.log.append(Passed(time.monotonic(), self.number, kind, frame, len(message.data)))

    def _judge(self, kind: Kind, frame: Json) -> None:
        """Apply the rules, one after the other; a rule that takes the frame away is the last one."""
        ways, ends = set[Deed](), list[Rule]()
        for rule in [each for each in self.proxy.rules if each.meets(kind, frame)]:
            ways.add(rule.do)
            if rule.do == "change":
                frame = rule.change(frame)
            elif rule.do == "insert":
                for each in rule.frames:
                    self.to_client(text(each))
            elif rule.after:
                ends.append(rule)
            elif rule.do not in ("split", "double"):
                return self._take_away(kind, rule, frame)
        for _ in range(2 if "double" in ways else 1):
            self._send(kind, text(frame), 5 if "split" in ways else 1)
        self._count_held(kind)
        for rule in ends:
            self._take_away(kind, rule, frame)
        return None

    def _take_away(self, kind: Kind, rule: Rule, frame: Json) -> None:
        match rule.do:
            case "hold":
                self._hold(kind, rule, text(frame))
            case "answer":
                self.to_client(text(rule.refusal(frame)))
            case "close":
                self.close(rule.code, rule.reason, rule.goodbye)
            case "cut":
                self._is_closed = True
                self.near_writer.transport.abort()
                self.far_writer.close()

    def _send(self, kind: Kind, message: Message, fragments: int = 1) -> None:
        if kind == "request":
            self.to_server(message)
        else:
            self.to_client(message, fragments)

    def _hold(self, kind: Kind, rule: Rule, message: Message) -> None:
        if rule.behind is not None:
            self._held.append((kind, rule, message))
            return

        async def wait() -> None:
            await rule.released()
            if not self._is_closed:
                self._send(kind, message)

        task = asyncio.ensure_future(wait())
        self.proxy._tasks.add(task)
        task.add_done_callback(self.proxy._tasks.discard)

    def _count_held(self, kind: Kind) -> None:
        """A frame has passed: it may be the one that held ones of its direction wait for."""
        for held in tuple(self._held):
            held_kind, rule, message = held
            if (held_kind == "request") != (kind == "request"):
                continue
            assert rule.behind is not None
            rule.behind -= 1
            if rule.behind <= 0:
                self._held.remove(held)
                self._send(held_kind, message)

    def close(self, code: int, reason: str, goodbye: Json | None = None) -> None:
        """Close the client's side with this code, and the server's side without one."""
        if goodbye is not None:
            self.to_client(text({"action": "goodbye", "data": goodbye}))
        self.to_client(close(code, reason))
        self._is_closed = True
        self.near_writer.write_eof()
        self.far_writer.close()

    def to_client(self, message: Message, fragments: int = 1) -> None:
        """Send a message to the client, unless the line is closed."""
        if not self._is_closed and not self.near_writer.is_closing():
            self.near_writer.write(encode(message, masked=False, fragments=fragments))

    def to_server(self, message: Message) -> None:
        """Send a message to the server, unless the line is closed."""
        if not self._is_closed and not self.far_writer.is_closing():
            self.far_writer.write(encode(message, masked=True))


def text(frame: dict[str, Any]) -> Message:
    """A frame as a message."""
    return Message(Opcode.TEXT, json.dumps(frame).encode())
