"""The send queue alone: its byte count, and a client that does not read."""

import asyncio
from typing import Any

import pytest

from realtime.consumers.base import ActionConsumer
from realtime.limits import SEND_QUEUE_BYTES
from realtime.log_entry import EventBatch, LogEntry
from realtime.send_queue import SendQueue


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


async def test_a_send_that_blocks_for_too_long_ends_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under uvicorn such a socket once stayed open without sending, and answered pings when its client woke up."""
    monkeypatch.setattr(GreetingConsumer, "send_seconds", 0.05)
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await GreetingConsumer.as_asgi()({"type": "websocket", "headers": []}, messages.get, send)
