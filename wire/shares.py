"""Fair shares of a pool of threads: a user or a room uses a few at once, and its other work waits in its own queue."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar

from wire.problems import Problem

T = TypeVar("T")
Key = tuple[str, Hashable]
Keys = tuple[Key, ...]

WAIT_SECONDS = 8.0  # for a turn; as long as for the database
WAITING = 500  # with the same keys; more could hardly be served in that time, and are refused at once


class Shares:
    """Work is named by its keys, such as ("user", id) and ("room", id), the narrowest first; each kind of key has a
    number of threads.

    Work waits until all of its keys have a thread free, so that work which waits for a room uses nothing of its user's
    share. Work with the same keys keeps its order; the queues that wait for one key take turns. All of it runs on one
    event loop.
    """

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._running: Counter[Key] = Counter()
        self._queues: dict[Keys, deque[asyncio.Future[None]]] = {}
        self._queues_of: dict[Key, dict[Keys, None]] = {}  # those that wait for a key, the next turn first

    async def take(self, keys: Keys) -> None:
        """Wait for a turn, which `run` must use at once.

        Raises Problem unavailable when it does not come, or when too much work waits with the same keys.
        """
        if keys in self._queues or not self._fits(keys):
            if len(self._queues.get(keys, ())) >= WAITING:
                raise _too_much()
            await self._wait(keys)
        else:
            self._running.update(keys)

    def run(self, threads: Executor, keys: Keys, function: Callable[[], T]) -> asyncio.Future[T]:
        """Run a function on a thread in a turn that was taken; the turn ends with it."""
        loop = asyncio.get_running_loop()
        try:
            work = threads.submit(function)
        except BaseException:
            self._release(keys)
            raise
        # Of the thread, not of its caller: a caller that is cancelled leaves its thread at work.
        work.add_done_callback(lambda _: self._release_from_thread(loop, keys))
        return asyncio.wrap_future(work)

    def _fits(self, keys: Keys) -> bool:
        return all(self._running[key] < self._most[key[0]] for key in keys)

    async def _wait(self, keys: Keys) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(keys, deque()).append(turn)
        for key in keys:
            self._queues_of.setdefault(key, {})[keys] = None
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # its turn came in the same moment
                self._release(keys)
            else:
                self._queues[keys].remove(turn)
                self._drop_empty(keys)
            if isinstance(error, TimeoutError):
                raise _too_much() from error
            raise

    def _release_from_thread(self, loop: asyncio.AbstractEventLoop, keys: Keys) -> None:
        with suppress(RuntimeError):  # the loop has ended, and the process is about to
            loop.call_soon_threadsafe(self._release, keys)

    def _release(self, keys: Keys) -> None:
        for key in keys:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
        # One thread is free of each key, so at most one queue of each can go on. The widest key is first: its queues
        # belong to many users, and a user's next work must not be faster than another user's turn.
        for key in reversed(keys):
            ready = next((waiting for waiting in self._queues_of.get(key, ()) if self._fits(waiting)), None)
            if ready is not None:
                self._start_next(ready)

    def _start_next(self, keys: Keys) -> None:
        self._running.update(keys)
        self._queues[keys].popleft().set_result(None)
        for key in keys:  # to the end: the other queues of this key come first now
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


def _too_much() -> Problem:
    return Problem("unavailable", "Too much of this kind of work is under way. Try again.")
