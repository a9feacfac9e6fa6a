"""The send queue alone: its byte count, and a client that does not read."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from realtime.consumers.base import ActionConsumer
from realtime.limits import HELD_FRAME_CHARS, SEND_QUEUE_BYTES
from realtime.log_entry import EventBatch, LogEntry
from realtime.metrics import FRAMES_SENT
from realtime.send_queue import SendQueue
from realtime.server.frames import frame_of


class GreetingConsumer(ActionConsumer):
    """A socket that sends a push as soon as it is open."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        self.push("hello", None)


async def test_joined_batches_are_not_counted_after_they_were_sent() -> None:
    """Each join once left 32 bytes behind: a slow reader of a busy room was full for ever in the end."""
    reading = asyncio.Event()
    sent: list[dict[str, Any]] = []

    async def send(frame: dict[str, Any]) -> None:
        await reading.wait()
        sent.append(frame)

    send_queue = SendQueue(send, None)
    rounds = SEND_QUEUE_BYTES // 32 // 200 + 1
    for number in range(rounds):
        for seq in range(202):
            send_queue.send_events(EventBatch([LogEntry(seq, "", b"{}")]))
        reading.set()
        await send_queue.wait_flushed()
        reading.clear()
        assert len(sent) == 2 * (number + 1)
    send_queue.send_events(EventBatch([LogEntry(1, "", b"{}")]))
    send_queue.send_events(EventBatch([LogEntry(2, "", b"{}")]))

    assert not send_queue.is_full
    reading.set()
    await send_queue.wait_flushed()


class Connection:
    """The server's side of a socket: it collects what is written, and takes nothing at once while it is busy."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_busy = False
        self.queue = SendQueue(self.send, {"try_write": self.try_write, "backlog": lambda: 0, "drain": self.drain})

    def try_write(self, message: dict[str, Any]) -> bool | None:
        if self.is_busy:
            return None
        self.written.append(frame_of(message))
        return True

    async def send(self, message: dict[str, Any]) -> None:
        self.written.append(frame_of(message))

    async def drain(self) -> None:
        self.is_busy = False


def text(content: str) -> dict[str, Any]:
    return {"type": "websocket.send", "text": content}


def frames(*contents: str) -> bytes:
    return b"".join(frame_of(text(content)) for content in contents)


async def test_held_replies_are_written_at_once_and_in_order() -> None:
    connection = Connection()
    before = FRAMES_SENT.value

    connection.queue.hold()
    for content in ("a", "b"):
        connection.queue.send_frame(text(content))
    held = list(connection.written)
    await asyncio.sleep(0)
    connection.queue.send_frame(text("c"))

    assert (held, connection.written) == ([], [frames("a", "b"), frames("c")])
    assert FRAMES_SENT.value - before == 3


async def test_an_event_and_a_large_reply_release_what_is_held() -> None:
    connection, large = Connection(), "x" * (HELD_FRAME_CHARS + 1)
    event = EventBatch([LogEntry(1, "", b"{}")])
    sends: list[Callable[[], None]] = [
        lambda: connection.queue.send_events(event),
        lambda: connection.queue.send_frame(text(large)),
    ]

    for send in sends:
        connection.queue.hold()
        connection.queue.send_frame(text("a"))
        send()
        connection.queue.release()

    assert connection.written == [frames("a"), frame_of(event.frame), frames("a"), frames(large)]


async def test_held_replies_wait_in_order_for_a_client_that_does_not_read() -> None:
    connection = Connection()
    connection.queue.hold()
    connection.queue.send_frame(text("a"))
    connection.queue.send_frame(text("b"))
    connection.is_busy = True

    await connection.queue.wait_flushed()  # as before a close, which follows the last frames

    assert connection.written == [frames("a"), frames("b")]


async def test_a_socket_that_is_gone_forgets_what_is_held() -> None:
    connection = Connection()
    connection.queue.hold()
    connection.queue.send_frame(text("a"))

    connection.queue.stop()
    connection.queue.release()

    assert connection.written == []


async def test_a_send_that_blocks_for_too_long_ends_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under uvicorn such a socket once stayed open without sending, and answered pings when its client woke up."""
    monkeypatch.setattr(GreetingConsumer, "send_seconds", 0.05)
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await GreetingConsumer.as_asgi()({"type": "websocket", "headers": []}, messages.get, send)
