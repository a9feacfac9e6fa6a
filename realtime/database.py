"""The database as the event loop uses it: an executor of our own, and the reads of the log that the hub needs.

Channels' own bridge runs all sockets' queries on one thread, so that one slow query would hold back every echo.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connections

from api.models import Event
from api.services.messages.group_commit import LANES, group_committer
from api.services.messages.send import Send, SendResult
from api.services.sync import Asking, Synced, sync_all
from realtime.authorization import Pair, StreamAccess, authorize_each, authorize_many, read_heads
from realtime.batching import DATABASE_SECONDS, BatchLoader
from realtime.log_entry import LogEntry
from wire.problems import Problem
from wire.shares import Keys, Shares

P = ParamSpec("P")
T = TypeVar("T")

PAGE_EVENTS = 200
ADMISSIONS = 200  # of one query
PAGE_BYTES = 200 * 1024  # a page on the socket ends here and says so
SYNCED_ROOMS = 1_000  # that those who sync together name, as one device may alone
LEAST_ROOMS = 20  # that each of them counts for
Going = tuple[Synced, dict[UUID, StreamAccess]]  # an answer, and what is needed to go on from it
_executor = ThreadPoolExecutor(settings.WS_DB_THREADS, thread_name_prefix="ws-db")
# Of the threads: half may wait for locks, a quarter for one room's, and a user never has more than a quarter.
_shares = Shares(
    {
        "user": max(1, settings.WS_DB_THREADS // 4),
        "room": max(1, settings.WS_DB_THREADS // 4),
        "writes": max(1, settings.WS_DB_THREADS // 2),
    }
)
_leads = ThreadPoolExecutor(LANES, thread_name_prefix="ws-send")  # a lane that is taken waits for no slow read


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the ORM on a thread of our own pool. Raises OperationalError when it takes too long."""
    running = asyncio.get_running_loop().run_in_executor(_executor, lambda: _on_thread(function, *args, **kwargs))
    return await _in_time(running)


async def read_for(user_id: UUID, function: Callable[[], T]) -> T:
    """Run a read within the user's share of the threads. Raises Problem unavailable when no turn comes."""
    return await _in_share((("user", user_id),), function)


async def write_for(user_id: UUID, room: UUID | str, function: Callable[[], T]) -> T:
    """Run a write, which waits for locks, within the shares of the user, of the room and of all writes. Raises as
    read_for."""
    return await _in_share((("user", user_id), ("room", room), ("writes", None)), function)


async def _in_share(keys: Keys, function: Callable[[], T]) -> T:
    await _shares.take(keys)
    return await _in_time(_shares.run(_executor, keys, lambda: _on_thread(function)))


async def _in_time(answer: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await answer
    except TimeoutError as error:
        raise OperationalError("The database did not answer in time") from error


def _on_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Each thread keeps its connection, which would cost a round trip or a file to open again, until an error."""
    try:
        return function(*args, **kwargs)
    finally:
        for used in connections.all(initialized_only=True):
            if used.errors_occurred:
                used.close_if_unusable_or_obsolete()


async def send(message: Send) -> SendResult:
    """Send a message together with those that others send at the same time; who leads takes a thread.

    Raises Problem as the service does, or django.db.Error.
    """
    future, lead = group_committer.submit(message)
    if lead is not None:
        _leads.submit(_on_thread, lead)
    return await _in_time(asyncio.wrap_future(future))


def _weigh(asked: tuple[Asking, bool]) -> int:
    return max(LEAST_ROOMS, len(asked[0].rooms))


async def sync(asking: Asking, subscribe: bool) -> Going:
    """Sync together with those who come back at the same time. Raises as api.services.sync does, or django.db.Error."""
    return await _syncs.load((asking, subscribe))


_syncs: BatchLoader[tuple[Asking, bool], Going] = BatchLoader(
    lambda asked: in_database(sync_each, asked),
    SYNCED_ROOMS,
    _weigh,
    owner=lambda asked: asked[0].user_id,
    load_one=lambda asked: read_for(asked[0].user_id, lambda: sync_each([asked])[0]),
)


class DatabaseLog:
    """The log as the hub reads it."""

    def __init__(self) -> None:
        self._admissions: BatchLoader[Pair, StreamAccess] = BatchLoader(
            lambda pairs: in_database(authorize_each, pairs), ADMISSIONS
        )

    async def authorize(self, user_id: UUID, room_id: UUID | None) -> StreamAccess:
        """Admit a user to a room or to their inbox, together with all who ask meanwhile.

        Raises Problem not_found or room.not_member.
        """
        if room_id == user_id:  # an inbox goes by no id
            raise Problem("not_found", "There is no such room.")
        return await self._admissions.load((user_id, room_id or user_id))

    async def page(self, stream: str, after: int) -> list[LogEntry]:
        """See read_page."""
        return await in_database(read_page, stream, after)

    async def heads(self, streams: Sequence[str]) -> tuple[int, dict[str, int], float]:
        """See time_heads."""
        return await in_database(time_heads, streams)


def sync_each(asked: Sequence[tuple[Asking, bool]]) -> list[Going | Problem | None]:
    """The answer to each device and, if it subscribes, what is needed to go on from it; or why there is none.

    None is for one of several that should ask again, alone.
    """
    while True:
        answers = sync_all([asking for asking, _ in asked], PAGE_BYTES)
        streams = [_streams(*each, answer) for each, answer in zip(asked, answers, strict=True)]
        pairs = [pair for of_one in streams for pair in of_one]
        admitted = authorize_many(pairs) if pairs else {}
        going = [_go_on(answer, of_one, admitted) for answer, of_one in zip(answers, streams, strict=True)]
        if going != [None]:
            return going


def _streams(asking: Asking, subscribe: bool, answer: Synced | Problem | None) -> list[Pair]:
    """The streams to which the device is subscribed from now on."""
    cursors = answer.cursors if subscribe and isinstance(answer, Synced) else ()
    return [(asking.user_id, stream) for stream in cursors]


def _go_on(
    answer: Synced | Problem | None, streams: Sequence[Pair], admitted: Mapping[Pair, StreamAccess]
) -> Going | Problem | None:
    if not isinstance(answer, Synced):
        return answer
    admissions = {pair[1]: admitted[pair] for pair in streams if pair in admitted}
    # Else the past was rewritten in between; or the user left a room of the page, and nobody would tell the leave.
    is_current = all(admission.epoch == answer.data["epoch"] for admission in admissions.values())
    return (answer, admissions) if is_current and len(admissions) == len(streams) else None


def read_page(stream: str, after: int, limit: int = PAGE_EVENTS) -> list[LogEntry]:
    """The next events of a stream; contiguous, because commit order is seq order. See `is_cut` for its end."""
    return [LogEntry.parse(json) for json in Event.objects.page_after(UUID(stream), after, limit, PAGE_BYTES)]


def is_cut(page: Sequence[LogEntry]) -> bool:
    """Return whether a page of the log may have ended because of its size: such a page has at least PAGE_BYTES."""
    return sum(len(entry.json) for entry in page) >= PAGE_BYTES


def time_heads(streams: Iterable[UUID | str]) -> tuple[int, dict[str, int], float]:
    """Read heads as read_heads does, with the CPU seconds that it took on this thread."""
    began = time.thread_time()
    epoch, heads = read_heads(streams)
    return epoch, heads, time.thread_time() - began
