"""Database access from the event loop: an executor of its own, and the reads of the log that the hub needs.

Channels' database_sync_to_async runs the queries of all sockets on one thread, so one slow query would delay them all.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError

from api.services.blocks import BlockState, read_block_state
from api.services.sync import SyncPage, SyncRequest, sync_all
from eventlog.heads import read_heads
from eventlog.models import Event
from realtime.authorization import Pair, StreamAccess, authorize_each, authorize_many
from realtime.batching import BatchLoader
from realtime.log_entry import LogEntry
from wire.connections import close_broken_connections, close_ended_connections
from wire.limits import charge_work
from wire.outages import DATABASE_SECONDS, database_timeout, release_cursors
from wire.problems import Problem
from wire.shares import Keys, Shares

P = ParamSpec("P")
T = TypeVar("T")

PAGE_EVENTS = 200
AUTHORIZATIONS = 200  # in one query
PAGE_BYTES = 200 * 1024  # of a page on the socket
SYNCED_ROOMS = 1_000  # named by the devices of one batch; a device that names more is alone in its batch
LEAST_ROOMS = 20  # the weight of a device that names fewer
SyncResult = tuple[SyncPage, dict[UUID, StreamAccess]]  # and the access to the streams that it subscribes to
_executor = ThreadPoolExecutor(settings.WS_DB_THREADS, thread_name_prefix="ws-db")
# Half of the threads may wait for locks, a quarter for those of one room, and a user has at most a quarter.
_shares = Shares(
    {
        "user": max(1, settings.WS_DB_THREADS // 4),
        "room": max(1, settings.WS_DB_THREADS // 4),
        "writes": max(1, settings.WS_DB_THREADS // 2),
    }
)


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the ORM on a thread of this pool. Raises OperationalError when it takes too long."""
    # In the context of the caller: logs know the call on the thread too.
    work = partial(copy_context().run, lambda: _on_thread(function, *args, **kwargs))
    running = asyncio.get_running_loop().run_in_executor(_executor, work)
    return await _in_time(running)


async def read_for(user_id: UUID, function: Callable[[], T]) -> T:
    """Run a read within the user's share of the threads. Raises Problem unavailable when no turn comes."""
    return await _in_share((("user", user_id),), _charged(user_id, function))


async def write_for(user_id: UUID, room: UUID | str, function: Callable[[], T]) -> T:
    """Run a write, which waits for locks, within the shares of the user, of the room and of all writes. Raises as
    read_for."""
    return await _in_share((("user", user_id), ("room", room), ("writes", None)), _charged(user_id, function))


async def _in_share(keys: Keys, function: Callable[[], T]) -> T:
    await _shares.take(keys)
    return await _in_time(_shares.run(_executor, keys, partial(copy_context().run, lambda: _on_thread(function))))


def _charged(user_id: UUID, function: Callable[[], T]) -> Callable[[], T]:
    """Charge the user for the CPU of the thread."""

    def run() -> T:
        began = time.thread_time()
        try:
            return function()
        finally:
            charge_work(user_id, time.thread_time() - began)

    return run


async def _in_time(answer: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await answer
    except TimeoutError as error:
        raise database_timeout() from error


def _on_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    close_ended_connections()
    try:
        return function(*args, **kwargs)
    except DatabaseError as error:
        release_cursors(error)
        raise
    finally:
        close_broken_connections()


async def sync(request: SyncRequest, subscribe: bool) -> SyncResult:
    """Sync a device, in one batch with others that sync at the same time.

    Raises Problem as api.services.sync does, or django.db.Error.
    """
    return await _syncs.load((request, subscribe))


_syncs: BatchLoader[tuple[SyncRequest, bool], SyncResult] = BatchLoader(
    lambda requests: in_database(_sync_batch, requests),
    SYNCED_ROOMS,
    weigh=lambda request: max(LEAST_ROOMS, len(request[0].rooms)),
    owner=lambda request: request[0].user_id,
    load_one=lambda request: read_for(request[0].user_id, lambda: sync_each([request])[0]),
)


class DatabaseLog:
    """The log as the hub reads it."""

    def __init__(self) -> None:
        self._accesses: BatchLoader[Pair, StreamAccess] = BatchLoader(
            lambda pairs: in_database(authorize_each, pairs), AUTHORIZATIONS
        )

    async def authorize(self, user_id: UUID, room_id: UUID | None) -> StreamAccess:
        """Authorize a user to subscribe to a room, or to their inbox; concurrent requests share one query.

        Raises Problem not_found or room.not_member.
        """
        if room_id == user_id:  # an inbox has no id of its own
            raise Problem("not_found", "There is no such room.")
        return await self._accesses.load((user_id, room_id or user_id))

    async def blocks(self, user_id: UUID) -> BlockState:
        """See read_block_state."""
        return await in_database(read_block_state, user_id)

    async def page(self, stream: str, after: int) -> list[LogEntry]:
        """See read_page."""
        return await in_database(read_page, stream, after)

    async def heads(self, streams: Sequence[str]) -> tuple[int, dict[str, int], float]:
        """See time_heads."""
        return await in_database(time_heads, streams)


def _sync_batch(requests: Sequence[tuple[SyncRequest, bool]]) -> list[SyncResult | Problem | None]:
    """Sync devices, and charge each user for an equal part of the CPU."""
    began = time.thread_time()
    try:
        return sync_each(requests)
    finally:
        part = (time.thread_time() - began) / len(requests)
        for request, _ in requests:
            charge_work(request.user_id, part)


def sync_each(requests: Sequence[tuple[SyncRequest, bool]]) -> list[SyncResult | Problem | None]:
    """Sync devices and authorize their subscriptions. Return for each its result, or a Problem.

    None stands for a device that must be retried outside the batch.
    """
    while True:
        answers = sync_all([request for request, _ in requests], PAGE_BYTES)
        streams = [
            [(request.user_id, stream) for stream in answer.cursors]
            if subscribe and isinstance(answer, SyncPage)
            else []
            for (request, subscribe), answer in zip(requests, answers, strict=True)
        ]
        pairs = [pair for of_one in streams for pair in of_one]
        accesses = authorize_many(pairs) if pairs else {}
        results = [_result(answer, of_one, accesses) for answer, of_one in zip(answers, streams, strict=True)]
        if results != [None]:
            return results


def _result(
    answer: SyncPage | Problem | None, streams: Sequence[Pair], accesses: Mapping[Pair, StreamAccess]
) -> SyncResult | Problem | None:
    if not isinstance(answer, SyncPage):
        return answer
    by_stream = {pair[1]: accesses[pair] for pair in streams if pair in accesses}
    # Otherwise a restore has rewritten the log since the sync, or the user has left a room of the page: no stream would
    # deliver that leave.
    is_current = all(access.epoch == answer.data["epoch"] for access in by_stream.values())
    return (answer, by_stream) if is_current and len(by_stream) == len(streams) else None


def read_page(stream: str, after: int, limit: int = PAGE_EVENTS) -> list[LogEntry]:
    """Read the next events of a stream, without a gap: commit order is seq order. See `is_cut` for the page's end."""
    return [LogEntry.parse(json) for json in Event.objects.page_after(UUID(stream), after, limit, PAGE_BYTES)]


def is_cut(page: Sequence[LogEntry]) -> bool:
    """Return whether a page of the log may have ended because of its size."""
    return sum(len(entry.json) for entry in page) >= PAGE_BYTES


def time_heads(streams: Iterable[UUID | str]) -> tuple[int, dict[str, int], float]:
    """Read heads as read_heads does; also return the CPU seconds that it took on this thread."""
    began = time.thread_time()
    epoch, heads = read_heads(streams)
    return epoch, heads, time.thread_time() - began
