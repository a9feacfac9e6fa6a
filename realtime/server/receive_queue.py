"""The frames that a client has sent and the application has not read yet.

The queue is bounded: while it is full, the server does not read from the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime.server.limits import Limits
from realtime.server.types import Message


class ReceiveQueue:
    """The queue behind ``receive``: it pauses reading when it is full, and resumes it when it is half empty."""

    def __init__(self, limits: Limits, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self.paused = False
        self._closed = False
        self._queue: asyncio.Queue[tuple[Message, int]] = asyncio.Queue()
        self._frames = 0
        self._bytes = 0
        self._max_frames = limits.receive_queue_frames
        self._max_bytes = limits.receive_queue_bytes - limits.frame_bytes  # one more frame of any size still fits
        self._pause = pause
        self._resume = resume

    def put_nowait(self, message: Message) -> None:
        """Queue a message that is no frame; such do not count."""
        self._queue.put_nowait((message, -1))

    def close(self, message: Message) -> None:
        """Queue the last message. Later frames are discarded, and reading resumes."""
        self._closed = True
        self.put_nowait(message)
        if self.paused:
            self.paused = False
            self._resume()

    def put_frame(self, message: Message, size: int) -> None:
        """Queue a frame, unless the application has its last message."""
        if self._closed:
            return
        self._queue.put_nowait((message, size))
        self._frames += 1
        self._bytes += size
        if not self.paused and (self._frames >= self._max_frames or self._bytes > self._max_bytes):
            self.paused = True
            self._pause()

    async def get(self) -> Message:
        message, size = await self._queue.get()
        if size >= 0:
            self._frames -= 1
            self._bytes -= size
            if self.paused and self._frames <= self._max_frames // 2 and self._bytes <= self._max_bytes // 2:
                self.paused = False
                self._resume()
        return message
