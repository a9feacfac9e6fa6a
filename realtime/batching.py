"""Batches concurrent lookups: requests that arrive during a query share the next one.

There is no timer: the first query starts one turn of the event loop after its first request, so that the frames of one
read share it, and a crowd needs no more queries than one client.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wire.outages import DATABASE_SECONDS, database_timeout, is_outage

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(slots=True, eq=False)  # a frozen one takes twice as long to make
class Request(Generic[Key, Value]):
    """A waiting request, and the time of the loop's clock at which it was made."""

    key: Key
    future: asyncio.Future[Value]
    requested_at: float


class BatchLoader(Generic[Key, Value]):
    """Loads values of one kind. `load_batch` returns one result per key: an exception fails its request alone.

    A result of None marks a key that holds the others up: it is loaded by itself, beside the next batch, through
    `load_one`, which may wait for its turn. No request waits longer than DATABASE_SECONDS, in a batch or behind one;
    `load_batch` limits its own duration. With `owner` a batch takes at most one key of each owner.
    """

    def __init__(
        self,
        load_batch: Callable[[Sequence[Key]], Awaitable[Sequence[Value | Exception | None]]],
        max_weight: int,
        weigh: Callable[[Key], int] = lambda _: 1,
        owner: Callable[[Key], Hashable] | None = None,
        load_one: Callable[[Key], Awaitable[Value | Exception | None]] | None = None,
    ) -> None:
        self._load_batch, self._load_one = load_batch, load_one
        self._max_weight, self._weigh, self._owner = max_weight, weigh, owner
        self._waiting: deque[Request[Key, Value]] = deque()
        self._open: deque[Request[Key, Value]] = deque()  # all without a result, the oldest first; some with one
        self._timer: asyncio.TimerHandle | None = None  # one for all: it expires no later than the oldest request
        self._is_busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, key: Key) -> Value:
        """Return the value; raise its exception, or that of the batch: OperationalError when it takes too long."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Value] = loop.create_future()
        request = Request(key, future, loop.time())
        self._waiting.append(request)
        while self._open and self._open[0].future.done():
            self._open.popleft()
        self._open.append(request)
        if self._open[0] is request:
            self._set_timer(loop)
        if not self._is_busy:
            self._is_busy = True
            self._spawn(self._work())
        return await future

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._open[0].requested_at + DATABASE_SECONDS, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail the requests whose own time is over, but no later request in the same batch."""
        deadline = loop.time() - DATABASE_SECONDS
        while self._open and ((oldest := self._open[0]).future.done() or oldest.requested_at <= deadline):
            self._open.popleft()
            if not oldest.future.done():
                oldest.future.set_exception(database_timeout())
        if self._open:
            self._set_timer(loop)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _serve_alone(self, request: Request[Key, Value]) -> None:
        task = self._spawn(self._serve([request], is_alone=True))
        request.future.add_done_callback(lambda _: task.cancel())  # a cancelled request takes no turn

    async def _work(self) -> None:
        try:
            await asyncio.sleep(0)  # the loop reads the frames that a client has sent one after the other
            while batch := self._take():
                await self._serve(batch)
        finally:
            self._is_busy = False

    def _take(self) -> list[Request[Key, Value]]:
        """Take the next batch, without requests that were cancelled or have expired."""
        batch: list[Request[Key, Value]] = []
        later: list[Request[Key, Value]] = []
        owners: set[Hashable] = set()
        weight_left = self._max_weight
        while self._waiting:
            request = self._waiting[0]
            if not request.future.done():
                owner = self._owner(request.key) if self._owner else request
                if owner in owners:
                    later.append(self._waiting.popleft())
                    continue
                weight_left -= self._weigh(request.key)
                if batch and weight_left < 0:
                    break
                owners.add(owner)
                batch.append(request)
            self._waiting.popleft()
        self._waiting.extendleft(reversed(later))
        return batch

    async def _serve(self, batch: Sequence[Request[Key, Value]], is_alone: bool = False) -> None:
        results: Sequence[Value | Exception | None]
        try:
            if is_alone and self._load_one:
                results = [await self._load_one(batch[0].key)]
            else:
                results = await self._load_batch([request.key for request in batch])
        except Exception as error:
            # A bad key fails alone: each is loaded again by itself. Unless the database is away.
            is_for_all = len(batch) == 1 or is_outage(error)
            results = [error if is_for_all else None] * len(batch)
        for request, result in zip(batch, results, strict=True):
            if request.future.done():  # its socket is gone, or its time is over
                continue
            if result is None:
                self._serve_alone(request)
            elif isinstance(result, Exception):
                request.future.set_exception(result)
            else:
                request.future.set_result(result)
