"""An event loop without real time: its clock jumps to the next timer, and it does everything in the same order."""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

MAX_STEPS = 200_000  # of one schedule, which takes some thousands: more is a loop that never waits


class Stuck(Exception):
    """A task loops without waiting."""


class Handle:
    """A callback that is due; the same for soon and for later."""

    __slots__ = ("args", "callback", "context", "gone")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: contextvars.Context | None):
        self.callback, self.args, self.context, self.gone = callback, args, context, False

    def cancel(self) -> None:
        """Cancel the callback."""
        self.gone = True

    def cancelled(self) -> bool:
        """True when the callback was cancelled."""
        return self.gone

    def run(self) -> None:
        """Run the callback."""
        if self.context is None:
            self.callback(*self.args)
        else:
            self.context.run(self.callback, *self.args)


class VirtualLoop:
    """The part of an event loop that asyncio's tasks, futures and timeouts need."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self.errors: list[str] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._serial = 0

    @property
    def as_asyncio(self) -> asyncio.AbstractEventLoop:
        """This loop, typed as asyncio requires."""
        return cast(asyncio.AbstractEventLoop, self)

    @contextmanager
    def running(self) -> Iterator[None]:
        """This loop is asyncio's running loop."""
        asyncio._set_running_loop(self.as_asyncio)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)

    def run_for(self, seconds: float) -> None:
        """Do all that is due in the next virtual seconds."""
        end = self.now + seconds
        self.run_ready()
        while self._timers and self._timers[0][0] <= end:
            when, _, handle = heapq.heappop(self._timers)
            if not handle.gone:
                self.now = max(self.now, when)
                self._ready.append(handle)
                self.run_ready()
        self.now = end

    def run_ready(self) -> None:
        """Do all that is due now."""
        ready = self._ready
        while ready:
            handle = ready.popleft()
            if handle.gone:
                continue
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise Stuck
            try:
                handle.run()
            except Exception as error:
                self.errors.append(repr(error))

    def end(self) -> None:
        """Cancel every task, so that nothing of a schedule outlives it."""
        self._timers.clear()
        for task in self.tasks:
            task.cancel()
        self.steps = 0
        self.run_ready()

    def next_serial(self) -> int:
        """The next of a row of numbers, the same in each run."""
        self._serial += 1
        return self._serial

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args, context)
        heapq.heappush(self._timers, (when, self.next_serial(), handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self.as_asyncio)

    def create_task(self, coro: Coroutine[Any, Any, Any], *, name: Any = None, context: Any = None) -> Any:
        task = asyncio.Task(coro, loop=self.as_asyncio, name="sim", context=context)
        self.tasks.append(task)
        if len(self.tasks) > 500:
            self.tasks = [task for task in self.tasks if not task.done()]
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")
