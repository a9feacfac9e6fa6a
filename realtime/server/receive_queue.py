"""The frames that a client has sent and the application has not read yet, bounded by no longer reading from the
network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime.server.limits import Limits
from realtime.server.types import Message


class ReceiveQueue:
    """The queue behind ``receive``. Full, it asks for a pause; half empty, it asks to go on."""

    def __init__(self, limits: Limits, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self.paused = False
        self._queue: asyncio.Queue[tuple[Message, int]] = asyncio.Queue()
        self._frames = 0
        self._bytes = 0
        self._max_frames = limits.inbox_frames
        self._max_bytes = limits.inbox_bytes - limits.frame_bytes  # so that one more frame of any size still fits
        self._pause = pause
        self._resume = resume

    def put_nowait(self, message: Message) -> None:
        """Queue an event that is no frame; such are never held back."""
        self._queue.put_nowait((message, -1))

    def close(self, message: Message) -> None:
        """Queue the last event. What is read from now on is not for the application, so reading goes on."""
        self.put_nowait(message)
        if self.paused:
            self.paused = False
            self._resume()

    def put_frame(self, message: Message, size: int) -> None:
        self._queue.put_nowait((message, size))
        self._frames += 1
        self._bytes += size
        if not self.paused and (self._frames >= self._max_frames or self._bytes > self._max_bytes):
            self.paused = True
            self._pause()

    async def get(self) -> Message:
        message, size = await self._queue.get()
        if size >= 0:
            self._took(size)
        return message

    def _took(self, size: int) -> None:
        self._frames -= 1
        self._bytes -= size
        if self.paused and self._frames <= self._max_frames // 2 and self._bytes <= self._max_bytes // 2:
            self.paused = False
            self._resume()
