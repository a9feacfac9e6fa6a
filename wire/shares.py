"""Fair shares of a thread pool: a user or a room uses a few threads at once, and its other work waits in a queue."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar

from wire.outages import DATABASE_SECONDS
from wire.problems import Problem

T = TypeVar("T")
Key = tuple[str, Hashable]
Keys = tuple[Key, ...]

WAIT_SECONDS = DATABASE_SECONDS  # the longest wait for threads
WAITING = 500  # the longest queue of one set of keys; more could hardly run within WAIT_SECONDS


class Shares:
    """Limits the threads of each key of a piece of work, by the kind of the key.

    The keys of a piece of work are such as ("user", id) and ("room", id), the narrowest first. It starts when all of
    its keys have a free thread, so while it waits for a room it uses nothing of its user's share. Work with equal keys
    keeps its order; queues that share a key take turns. All methods run on one event loop.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._running: Counter[Key] = Counter()
        self._queues: dict[Keys, deque[asyncio.Future[None]]] = {}
        self._queues_of: dict[Key, dict[Keys, None]] = {}  # the queues that wait for a key, next first

    async def take(self, keys: Keys) -> None:
        """Wait until all keys have a free thread, and reserve it; `run` must follow at once.

        Raises Problem unavailable after WAIT_SECONDS, or when too much work waits with the same keys.
        """
        if keys in self._queues or not self._fits(keys):
            if len(self._queues.get(keys, ())) >= WAITING:
                raise _overloaded()
            await self._wait(keys)
        else:
            self._running.update(keys)

    def run(self, threads: Executor, keys: Keys, function: Callable[[], T]) -> asyncio.Future[T]:
        """Run a function on the reserved thread, and release the reservation when it ends."""
        loop = asyncio.get_running_loop()

        def release(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended, and the process is about to end
                loop.call_soon_threadsafe(self._release, keys)

        try:
            work = threads.submit(function)
        except BaseException:
            self._release(keys)
            raise
        # The callback belongs to the thread, not to its caller: a cancelled caller leaves the thread at work.
        work.add_done_callback(release)
        return asyncio.wrap_future(work)

    def _fits(self, keys: Keys) -> bool:
        return all(self._running[key] < self._limits[key[0]] for key in keys)

    async def _wait(self, keys: Keys) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(keys, deque()).append(turn)
        for key in keys:
            self._queues_of.setdefault(key, {})[keys] = None
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # its threads became free at the same moment
                self._release(keys)
            else:
                self._queues[keys].remove(turn)
                self._drop_empty(keys)
            if isinstance(error, TimeoutError):
                raise _overloaded() from error
            raise

    def _release(self, keys: Keys) -> None:
        for key in keys:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
        # Each key has one more free thread, so at most one queue of each key can continue. The widest key is first: its
        # queues belong to many users, and a user's next work must not overtake the turn of another user.
        for key in reversed(keys):
            ready = next((waiting for waiting in self._queues_of.get(key, ()) if self._fits(waiting)), None)
            if ready is not None:
                self._start_next(ready)

    def _start_next(self, keys: Keys) -> None:
        self._running.update(keys)
        self._queues[keys].popleft().set_result(None)
        for key in keys:  # move this queue to the end of the rotation of each key
            del self._queues_of[key][keys]
            self._queues_of[key][keys] = None
        self._drop_empty(keys)

    def _drop_empty(self, keys: Keys) -> None:
        if self._queues[keys]:
            return
        del self._queues[keys]
        for key in keys:
            del self._queues_of[key][keys]
            if not self._queues_of[key]:
                del self._queues_of[key]


def _overloaded() -> Problem:
    return Problem("unavailable", "The server is busy with other requests of this kind. Try again.")
