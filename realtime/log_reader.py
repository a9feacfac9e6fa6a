"""Reads of the log by the hub: pages shared by the sockets that want the same one, and repairs of feeds."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol
from uuid import UUID

from django.db import Error as DatabaseError

from api.services.blocks import BlockState
from realtime.authorization import StreamAccess
from realtime.database import PAGE_EVENTS, is_cut
from realtime.feed import Feed
from realtime.log_entry import LogEntry
from realtime.metrics import REPAIRED_EVENTS, REPAIRS

logger = logging.getLogger(__name__)

MAX_CONCURRENT_PAGES = 16


class Log(Protocol):
    """The reads of the hub, which DatabaseLog implements; each may raise django.db.Error."""

    async def authorize(self, user_id: UUID, room_id: UUID | None) -> StreamAccess:
        """Read the head and the membership of a room or inbox. Raises Problem not_found or room.not_member."""

    async def blocks(self, user_id: UUID) -> BlockState:
        """Read the users whom a user blocks."""

    async def page(self, stream: str, after: int) -> list[LogEntry]:
        """Read the next events of a stream: PAGE_EVENTS, or fewer at the end of the log or when `is_cut`."""

    async def heads(self, streams: Sequence[str]) -> tuple[int, dict[str, int], float]:
        """Read the epoch and the heads of the streams; also return the CPU seconds that it took."""


class LogReader:
    """Reads pages for subscriptions and feeds, MAX_CONCURRENT_PAGES at once."""

    def __init__(
        self,
        log: Log,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        on_appended: Callable[[Feed], None],
    ) -> None:
        """`on_appended` is called after a repair has extended a feed."""
        self._log, self._spawn, self._on_appended = log, spawn, on_appended
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._pages: dict[tuple[str, int, int], asyncio.Task[list[LogEntry]]] = {}
        self._turns = asyncio.Semaphore(MAX_CONCURRENT_PAGES)

    async def page(self, feed: Feed, after: int) -> list[LogEntry]:
        """Read the next page after a seq; concurrent requests for the same page share the query."""
        key = (feed.stream, feed.generation, after)
        if key not in self._pages:
            reading = self._pages[key] = asyncio.ensure_future(self._read(feed.stream, after))
            reading.add_done_callback(lambda _: self._pages.pop(key))
        return await asyncio.shield(self._pages[key])

    async def _read(self, stream: str, after: int) -> list[LogEntry]:
        async with self._turns:
            return await self._log.page(stream, after)

    def repair_soon(self, feed: Feed, delay: float = 0.0) -> None:
        """Start a repair, one per stream at a time. With a delay it is skipped when the gap has closed by itself."""
        if feed.stream not in self._repairs:
            task = self._repairs[feed.stream] = self._spawn(self._repair(feed, delay))
            task.add_done_callback(lambda _: self._repairs.pop(feed.stream))

    async def _repair(self, feed: Feed, delay: float) -> None:
        """Read the log after the tail until nothing is left."""
        await asyncio.sleep(delay)
        if delay and not feed.has_gap:
            return
        REPAIRS.value += 1
        page: list[LogEntry] | None = None
        while page is None or len(page) == PAGE_EVENTS or is_cut(page) or (page and feed.has_gap):
            generation = feed.generation
            try:
                page = await self.page(feed, feed.tail)
            except DatabaseError as error:
                logger.warning("The log could not be read (%r): the next sweep tries again", error)
                return
            if feed.generation != generation:
                return
            before = feed.tail
            feed.extend(page)
            REPAIRED_EVENTS.value += feed.tail - before
            self._on_appended(feed)
