"""The sweep: once a second one query reads the heads of all local streams, and a feed that is behind is repaired."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any

from django.db import Error as DatabaseError

from realtime.feed import Feed
from realtime.feed_registry import FeedRegistry
from realtime.metrics import SWEEP_CPU, SWEEP_FAILURES, SWEEPS

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
SWEEP_CPU_SHARE = 0.02  # a sweep of 20 ms of CPU a second; a more expensive one runs less often
HEADS_SECONDS = 3.0  # for one reading of the heads, also when the database is frozen
UNREACHABLE_SECONDS = 9.5  # without heads for so long, sockets close: a stale socket may stay open for ten seconds

Heads = tuple[int, dict[str, int], float]  # the epoch, the head of each stream, and the CPU seconds of the query


class Sweep:
    """Periodic reconciliation. A lost broker message only delays delivery; correctness needs no broker."""

    def __init__(
        self,
        feeds: FeedRegistry,
        read_heads: Callable[[Sequence[str]], Awaitable[Heads]],
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        has_sockets: Callable[[], bool],
        on_behind: Callable[[Feed], None],
        on_rewritten: Callable[[Feed, int, int], None],
        on_unreachable: Callable[[], None],
    ) -> None:
        """`on_rewritten` gets the epoch and the head of a log that was restored; `on_unreachable` closes sockets."""
        self.due = asyncio.Event()
        self._feeds, self._read_heads, self._spawn, self._has_sockets = feeds, read_heads, spawn, has_sockets
        self._on_behind, self._on_rewritten, self._on_unreachable = on_behind, on_rewritten, on_unreachable
        self._loop = asyncio.get_running_loop()
        self._give_up_timer: asyncio.TimerHandle | None = None
        self._joined: set[str] = set()  # streams to compare soon
        self._comparing: asyncio.Task[None] | None = None

    def run_soon(self) -> None:
        """Sweep at once: a hint may have been lost."""
        self.due.set()

    async def forever(self) -> None:
        """Sweep every second, at once when a hint may have been lost, and at once after the loop stalled."""
        period = SWEEP_SECONDS
        while True:
            try:
                async with asyncio.timeout(period):
                    await self.due.wait()
            except TimeoutError:
                pass
            self.due.clear()
            if self._feeds or self._has_sockets():
                spent = await self.run()
                SWEEPS.value += 1
                SWEEP_CPU.value += spent
                period = max(SWEEP_SECONDS, spent / SWEEP_CPU_SHARE)

    async def run(self) -> float:
        """Compare every feed with the head of its stream; return the CPU seconds that it took."""
        began = time.thread_time()
        self._feeds.tidy()
        spent = time.thread_time() - began
        if self._give_up_timer is None:
            self._give_up_timer = self._loop.call_later(UNREACHABLE_SECONDS, self._give_up)
        try:
            spent += await self._compare_all(list(self._feeds))
        except (DatabaseError, TimeoutError) as error:
            SWEEP_FAILURES.value += 1
            logger.warning("The heads could not be read (%r)", error)
            return spent
        if self._give_up_timer is not None:  # else it expired while the heads were on their way
            self._give_up_timer.cancel()
            self._give_up_timer = None
        return spent

    def compare_soon(self, stream: str) -> None:
        """Compare one feed whose group was just joined: hints of a moment ago did not arrive.

        Only the one, because a process with thousands of new clients joins a stream every few milliseconds.
        """
        self._joined.add(stream)
        if self._comparing is None:
            self._comparing = self._spawn(self._compare_joined())

    async def _compare_joined(self) -> None:
        try:
            while self._joined:
                streams, self._joined = self._joined, set()
                await self._compare_all(streams)
        except (DatabaseError, TimeoutError) as error:
            logger.warning("The heads could not be read (%r)", error)
        finally:
            self._comparing = None

    async def _compare_all(self, streams: Collection[str]) -> float:
        began = time.thread_time()
        feeds = [feed for stream in streams if (feed := self._feeds.get(stream))]
        known = {feed.stream: (feed.generation, feed.tail) for feed in feeds}
        spent = time.thread_time() - began
        async with asyncio.timeout(HEADS_SECONDS):
            epoch, heads, queried = await self._read_heads(list(known))
        began = time.thread_time()
        for stream, (generation, tail) in known.items():
            self._compare(stream, generation, tail, epoch, heads.get(stream, 0))
        return spent + queried + time.thread_time() - began

    def _compare(self, stream: str, generation: int, tail: int, epoch: int, head: int) -> None:
        """`tail` is that of before the query: all of it was committed, so a smaller head means a restored log."""
        feed = self._feeds.get(stream)
        if feed is None or feed.generation != generation:
            return
        if epoch != feed.epoch or head < tail:
            self._on_rewritten(feed, epoch, head)
        elif feed.is_behind(head):
            self._on_behind(feed)

    def _give_up(self) -> None:
        self._give_up_timer = None
        self._on_unreachable()
