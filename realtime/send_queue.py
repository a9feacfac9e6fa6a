"""All that waits for one socket, in order and bounded: replies, events and pushes."""

import asyncio
import logging
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, cast

from realtime.feed import FRAME_BYTES, EventBatch, Frame

logger = logging.getLogger(__name__)

OUTBOX_BYTES = 256 * 1024
SEND_SECONDS = 30  # what one frame may take under a server that blocks in send


@types.coroutine
def _go_on(coroutine: Coroutine[Any, Any, None], waits_for: object) -> Generator[object, Any, None]:
    """The rest of a coroutine that was begun outside a task, as something that a task can await."""
    while True:
        failure: BaseException | None = None
        sent = None
        try:
            sent = yield waits_for
        except BaseException as error:
            failure = error
        try:
            waits_for = coroutine.throw(failure) if failure else coroutine.send(sent)
        except StopIteration:
            return


class SendQueue:
    """Writes at once while nothing waits; else a task writes in order as fast as the client reads.

    Our own server offers a synchronous `write` (design section 3): then an event costs no task and no await. Elsewhere
    each frame is awaited, and a client that takes longer than SEND_SECONDS for one is given up.
    """

    def __init__(
        self,
        send: Callable[[Frame], Awaitable[None]],
        extension: dict[str, Any] | None,
        hang_up: Callable[[], object] = lambda: None,
    ) -> None:
        """`hang_up` ends the application: how a connection is dropped under a server that has no `abort`."""
        self._send = send
        self._extension = extension
        self._hang_up = hang_up
        self._waiting: deque[Frame | EventBatch] = deque()
        self._bytes = 0
        self._flusher: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self.gone = False
        self.aborted = False

    @property
    def full(self) -> bool:
        """Return whether events must wait in the log and actions in the socket."""
        if not self._waiting or self.gone:
            return False  # what the server may still hold is a part of one frame
        backlog: int = self._extension["backlog"]() if self._extension else 0
        return self._bytes + backlog >= OUTBOX_BYTES

    def give(self, run: EventBatch) -> None:
        """Send events; those that wait together travel in one frame."""
        if not self._waiting and self._write(run.frame):
            return
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, EventBatch) and last.size + run.size <= FRAME_BYTES:
            self._waiting[-1] = joined = last.join(run)
            self._bytes += joined.size - last.size  # not run.size: both share one envelope
        else:
            self._waiting.append(run)
            self._bytes += run.size
        self._flush_soon()

    def put(self, frame: Frame) -> None:
        """Send a reply or a push."""
        if not self._waiting and self._write(frame):
            return
        self._waiting.append(frame)
        self._bytes += len(frame.get("text", ""))
        self._flush_soon()

    async def room(self) -> None:
        """Wait until it is no longer full, or the socket is gone."""
        while self.full:
            self._drained.clear()
            self._flush_soon()
            await self._drained.wait()

    async def flushed(self) -> None:
        """Wait until all has been handed over, for the last words before a close."""
        while self._flusher is not None and not self.gone:
            await asyncio.wait([self._flusher])

    def abort(self) -> None:
        """Drop the connection of a client that does not read: open and mute, it would look well to the client."""
        self.aborted = True
        if self._extension:
            self._extension["abort"]()
        else:
            self._hang_up()
        self.stop()

    def stop(self) -> None:
        """The socket is gone: forget what waits and wake who waits for room."""
        self.gone = True
        self._waiting.clear()
        self._bytes = 0
        self._drained.set()
        if self._flusher is not None:
            self._flusher.cancel()

    def _write(self, frame: Frame) -> bool:
        """The fast path: no queue, no task. False when it must wait."""
        if self.gone:
            return True
        if self._extension is None:
            return self._flusher is None and self._begin(self._send(frame))
        written = self._extension["try_write"](frame)
        if written is False:
            asyncio.get_running_loop().call_soon(self.stop)
        return written is not None

    def _begin(self, sending: Awaitable[None]) -> bool:
        """Run a send as far as it goes: while the server's buffer has room it ends at once, and costs no task."""
        coroutine = cast("Coroutine[Any, Any, None]", sending)
        try:
            waits_for = coroutine.send(None)
        except StopIteration:
            return True
        except Exception as error:
            logger.info("A socket is gone: %r", error)
            asyncio.get_running_loop().call_soon(self.stop)
            return True
        self._start_flusher(self._finish(coroutine, waits_for))
        return True

    async def _finish(self, coroutine: Coroutine[Any, Any, None], waits_for: object) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await _go_on(coroutine, waits_for)
        await self._flush()

    def _flush_soon(self) -> None:
        if self._flusher is None and not self.gone:
            self._start_flusher(self._flush())

    def _start_flusher(self, work: Coroutine[Any, Any, None]) -> None:
        self._flusher = asyncio.ensure_future(work)
        self._flusher.add_done_callback(self._flush_done)

    def _flush_done(self, task: "asyncio.Task[None]") -> None:
        self._flusher = None
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.info("A socket is gone: %r", error)
            if isinstance(error, TimeoutError):
                self.abort()
            self.stop()
        self._drained.set()
        if self._waiting:  # put between the last look and now
            self._flush_soon()

    async def _flush(self) -> None:
        while True:
            if self._extension:
                await self._extension["drain"]()
            if not self._waiting:
                return
            item = self._waiting.popleft()
            frame = item.frame if isinstance(item, EventBatch) else item
            self._bytes -= item.size if isinstance(item, EventBatch) else len(frame.get("text", ""))
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(frame)
            if not self.full:
                self._drained.set()
