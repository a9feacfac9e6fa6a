"""The send queue of one socket: replies, events and pushes, in order and bounded."""

import asyncio
import logging
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, cast

from realtime.limits import HELD_FRAME_CHARS, MAX_OUTBOUND_FRAME_BYTES, SEND_QUEUE_BYTES, SEND_SECONDS
from realtime.log_entry import EventBatch, Frame
from realtime.metrics import FRAMES_SENT
from realtime.server.frames import FRAME_KEY, frame_of

logger = logging.getLogger(__name__)


@types.coroutine
def _continue(coroutine: Coroutine[Any, Any, None], waits_for: object) -> Generator[object, Any, None]:
    """Continue a coroutine that was started outside a task, as something that a task can await."""
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
    """Writes at once while nothing waits; else a task writes in order, as fast as the client reads.

    Our own server offers a synchronous `write`, so that an event costs no task and no await. Under another server each
    frame is awaited, and the connection of a client that takes longer than `seconds` for one is dropped.
    """

    def __init__(
        self,
        send: Callable[[Frame], Awaitable[None]],
        extension: dict[str, Any] | None,
        cancel: Callable[[], object] = lambda: None,
        seconds: float = SEND_SECONDS,
    ) -> None:
        """`cancel` ends the application: it drops the connection under a server that has no `abort`.

        `seconds` is the longest send of one frame.
        """
        self._seconds = seconds
        self._send = send
        self._extension = extension
        self._cancel = cancel
        self._waiting: deque[Frame | EventBatch] = deque()
        self._bytes = 0
        self._held: list[Frame] | None = None  # between hold and release
        self._flusher: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self.gone = False
        self.aborted = False

    @property
    def is_full(self) -> bool:
        """Return whether events must wait in the log, and actions in the socket."""
        if not self._waiting or self.gone:
            return False  # the server may still hold a part of one frame
        backlog: int = self._extension["backlog"]() if self._extension else 0
        return self._bytes + backlog >= SEND_QUEUE_BYTES

    def send_events(self, batch: EventBatch) -> None:
        """Send events; batches that wait side by side travel in one frame."""
        self.release()
        if not self._waiting and self._write(batch.frame):
            return
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, EventBatch) and last.size + batch.size <= MAX_OUTBOUND_FRAME_BYTES:
            self._waiting[-1] = joined = last.join(batch)
            self._bytes += joined.size - last.size  # not batch.size: both share one envelope
        else:
            self._waiting.append(batch)
            self._bytes += batch.size
        self._flush_soon()

    def send_frame(self, frame: Frame) -> None:
        """Send a reply or a push."""
        if self._held is not None:
            if len(frame.get("text", "")) <= HELD_FRAME_CHARS:
                self._held.append(frame)
                return
            self.release()
        if not self._waiting and self._write(frame):
            return
        self._waiting.append(frame)
        self._bytes += len(frame.get("text", ""))
        self._flush_soon()

    def hold(self) -> None:
        """Hold small frames for this turn of the loop: its replies then cost one call of the kernel.

        The next turn releases them, before the callbacks that are scheduled later, and so do events and large frames.
        """
        if self._extension and self._held is None and not self._waiting:
            self._held = []
            asyncio.get_running_loop().call_soon(self.release)

    def release(self) -> None:
        """Send the frames that were held."""
        held, self._held = self._held, None
        if not held:
            return
        if self._write({"type": "websocket.send", FRAME_KEY: b"".join(map(frame_of, held))}):
            FRAMES_SENT.value += len(held) - 1
            return
        for frame in held:
            self.send_frame(frame)

    async def wait_writable(self) -> None:
        """Wait until it is no longer full, or the socket is gone."""
        while self.is_full:
            self._drained.clear()
            self._flush_soon()
            await self._drained.wait()

    async def wait_flushed(self) -> None:
        """Wait until everything has been handed to the server, for the last frames before a close."""
        self.release()
        while self._flusher is not None and not self.gone:
            await asyncio.wait([self._flusher])

    def abort(self) -> None:
        """Drop the connection of a client that does not read: an open socket that sends nothing would look healthy."""
        self.aborted = True
        if self._extension:
            self._extension["abort"]()
        else:
            self._cancel()
        self.stop()

    def stop(self) -> None:
        """Discard all waiting frames and release all waiters: the socket is gone."""
        self.gone, self._held = True, None
        self._waiting.clear()
        self._bytes = 0
        self._drained.set()
        if self._flusher is not None:
            self._flusher.cancel()

    def _write(self, frame: Frame) -> bool:
        """The fast path: no queue, no task. False when the frame must wait."""
        if self.gone:
            return True
        if self._extension is None:
            return self._flusher is None and self._start_send(self._send(frame))
        written = self._extension["try_write"](frame)
        if written:
            FRAMES_SENT.value += 1
        elif written is False:
            asyncio.get_running_loop().call_soon(self.stop)
        return written is not None

    def _start_send(self, sending: Awaitable[None]) -> bool:
        """Run a send until it blocks: while the server's buffer has space it ends at once, and costs no task."""
        coroutine = cast("Coroutine[Any, Any, None]", sending)
        FRAMES_SENT.value += 1
        try:
            waits_for = coroutine.send(None)
        except StopIteration:
            return True
        except Exception as error:
            logger.info("A socket is gone: %r", error)
            asyncio.get_running_loop().call_soon(self.stop)
            return True
        self._start_flusher(self._finish_send(coroutine, waits_for))
        return True

    async def _finish_send(self, coroutine: Coroutine[Any, Any, None], waits_for: object) -> None:
        async with asyncio.timeout(self._seconds):
            await _continue(coroutine, waits_for)
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
        if self._waiting:  # queued between the last check and now
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
            async with asyncio.timeout(self._seconds):
                await self._send(frame)
            FRAMES_SENT.value += 1
            if not self.is_full:
                self._drained.set()
