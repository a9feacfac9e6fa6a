"""Turns: a bound on how many heavy reads run at once in a process, shared fairly by the users.

A heavy read holds its rows and its answer in several forms until it is rendered, so the number of these reads bounds
the memory. The queue is fair as in fair queueing of packets: it serves the users in rotation, and when it is full the
user with most in it loses the newest of theirs.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import asynccontextmanager, contextmanager
from threading import Lock

from wire.problems import Problem

AT_ONCE = 8  # about 4 MiB each; the rest of a pool of 20 connections is for sends and sockets
OF_ONE_USER = 2  # enough to keep a core busy, and nobody takes them all
WAITING = 100  # each holds one of the 200 threads of the handler and no database connection
WAIT_SECONDS = 10.0  # below what clients and proxies wait for an answer


class Turns:
    """Grants turns; from any thread. Raises Problem unavailable to whom it refuses."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        of_one_user: int = OF_ONE_USER,
        waiting: int = WAITING,
        seconds: float = WAIT_SECONDS,
    ) -> None:
        self._at_once, self._of_one_user, self._most_waiting, self._seconds = at_once, of_one_user, waiting, seconds
        self._lock = Lock()
        self._taken = 0
        self._running: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[Future[None]]] = {}  # the user who is next comes first

    @contextmanager
    def turn(self, user: Hashable, before_waiting: Callable[[], object]) -> Iterator[None]:
        """Hold a turn, for which this thread waits."""
        with self._lock:
            granted = None if self._takes_a_free_one(user) else self._enter(user)
        if granted is not None:
            before_waiting()
            try:
                granted.result(self._seconds)
            except FutureTimeoutError:
                self._give_up(user, granted)
        try:
            yield
        finally:
            self._leave(user)

    @asynccontextmanager
    async def turn_in_loop(self, user: Hashable) -> AsyncIterator[None]:
        """Hold a turn, for which the event loop does not wait."""
        with self._lock:
            granted = self._enter(user)
        try:
            if not granted.done():
                async with asyncio.timeout(self._seconds):
                    await asyncio.shield(asyncio.wrap_future(granted))
            granted.result()
        except TimeoutError:
            self._give_up(user, granted)
        except asyncio.CancelledError:
            if self._has_turn(user, granted):
                self._leave(user)
            raise
        try:
            yield
        finally:
            self._leave(user)

    def _takes_a_free_one(self, user: Hashable) -> bool:
        """The usual case: nobody waits, so that nobody is passed."""
        if self._waiting or self._taken >= self._at_once or self._running[user] >= self._of_one_user:
            return False
        self._count(user, 1)
        return True

    def _count(self, user: Hashable, change: int) -> None:
        self._taken += change
        self._running[user] += change
        if not self._running[user]:
            del self._running[user]

    def _enter(self, user: Hashable) -> Future[None]:
        granted: Future[None] = Future()
        if sum(map(len, self._waiting.values())) >= self._most_waiting:
            greediest = max(self._waiting, key=lambda each: len(self._waiting[each]))
            if len(self._waiting[greediest]) <= len(self._waiting.get(user, ())) + 1:
                raise _busy()
            self._waiting[greediest].pop().set_exception(_busy())
        self._waiting.setdefault(user, deque()).append(granted)
        self._grant()
        return granted

    def _grant(self) -> None:
        """Give the free turns to the users in rotation."""
        while self._taken < self._at_once:
            user = next((each for each in self._waiting if self._running[each] < self._of_one_user), None)
            if user is None:
                return
            queue = self._waiting.pop(user)
            self._count(user, 1)
            queue.popleft().set_result(None)
            if queue:
                self._waiting[user] = queue

    def _leave(self, user: Hashable) -> None:
        with self._lock:
            self._count(user, -1)
            self._grant()

    def _give_up(self, user: Hashable, granted: Future[None]) -> None:
        """Raise, unless the turn came at the last moment."""
        if not self._has_turn(user, granted):
            raise _busy()

    def _has_turn(self, user: Hashable, granted: Future[None]) -> bool:
        """Whether it was granted; else it is out of the queue."""
        with self._lock:
            queue = self._waiting.get(user, deque())
            if granted in queue:
                queue.remove(granted)
                if not queue:
                    del self._waiting[user]
            return granted.done() and granted.exception() is None


def _busy() -> Problem:
    return Problem("unavailable", "Too many large answers are being made. Try again.")


# Of this process, for both faces.
turns = Turns()
