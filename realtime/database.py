"""The database as the event loop uses it: an executor of our own, and the reads of the log that the hub needs.

Channels' own bridge runs all sockets' queries on one thread, so that one slow query would hold back every echo.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connections

from api.models import Event
from api.services import sync as sync_service
from api.services.access import find_writer
from api.services.gathering import gatherer
from api.services.sending import Send, Sent
from api.services.sync import Synced
from realtime import admission
from realtime.admission import Admission, Pair, admit_streams, read_heads
from realtime.feed import Entry
from wire.problems import Problem

P = ParamSpec("P")
T = TypeVar("T")

PAGE_EVENTS = 200
ADMISSIONS = 200  # of one query
PAGE_BYTES = 200 * 1024  # a page on the socket ends here and says so
DATABASE_SECONDS = 8.0  # above the statement and lock timeouts of the database itself; for one that is frozen
_executor = ThreadPoolExecutor(settings.WS_DB_THREADS, thread_name_prefix="ws-db")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the ORM on a thread of our own pool. Raises OperationalError when it takes too long."""

    running = asyncio.get_running_loop().run_in_executor(_executor, lambda: _on_thread(function, *args, **kwargs))
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await running
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


async def send(message: Send) -> Sent:
    """Send a message together with those that others send to the room at the same time; who leads takes a thread.

    Raises Problem as the service does, or django.db.Error.
    """
    future, lead = gatherer.submit(message)
    if lead is not None:
        _executor.submit(_on_thread, lead)
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await asyncio.wrap_future(future)
    except TimeoutError as error:
        raise OperationalError("The database did not answer in time") from error


class DatabaseLog:
    """The log as the hub reads it."""

    def __init__(self) -> None:
        self._asking: list[tuple[Pair, asyncio.Future[Admission]]] = []
        self._admitting: asyncio.Task[None] | None = None

    async def admit(self, user_id: UUID, room_id: UUID | None) -> Admission:
        """Admit a user to a room or to their inbox; while one query is under way, the next who ask go together.

        Raises Problem not_found or room.not_member.
        """
        if room_id == user_id:  # an inbox goes by no id
            raise Problem("not_found", "There is no such room.")
        future: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        self._asking.append(((user_id, room_id or user_id), future))
        if self._admitting is None:
            self._admitting = asyncio.ensure_future(self._admit_all())
        return await future

    async def _admit_all(self) -> None:
        while self._asking:
            batch, self._asking = self._asking[:ADMISSIONS], self._asking[ADMISSIONS:]
            answers: list[Admission | Exception]
            try:
                answers = [*await in_database(admission.admit_each, [pair for pair, _ in batch])]
            except Exception as error:
                answers = [error] * len(batch)
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():  # its socket is gone
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        self._admitting = None

    async def page(self, stream: str, after: int) -> list[Entry]:
        """See read_page."""
        return await in_database(read_page, stream, after)

    async def heads(self, streams: Sequence[str]) -> tuple[int, dict[str, int], float]:
        """See time_heads."""
        return await in_database(time_heads, streams)


def sync(user_id: UUID, subscribe: bool, **body: Any) -> tuple[Synced, dict[UUID, Admission]]:
    """The answer to a sync, and what is needed to go on from it. Raises as api.services.sync does."""
    while True:
        synced = sync_service.sync(user_id=user_id, max_bytes=PAGE_BYTES, **body)
        if not subscribe:
            return synced, {}
        admissions = admit_streams(user_id, list(synced.cursors))
        # Else the past was rewritten in between; or the user left a room of the page, and nobody would tell the leave.
        is_current = all(admission.epoch == synced.data["epoch"] for admission in admissions.values())
        if is_current and admissions.keys() == synced.cursors.keys():
            return synced, admissions


def may_type(user_id: UUID, room_id: UUID) -> int:
    """The head of a room at which the user may write there. Raises as find_writer does."""
    _, heads = read_heads([room_id])
    find_writer(user_id, room_id)
    return heads.get(str(room_id), 0)


def read_page(stream: str, after: int, limit: int = PAGE_EVENTS) -> list[Entry]:
    """The next events of a stream; contiguous, because commit order is seq order."""
    return [Entry.parse(event.json()) for event in Event.objects.page_after(UUID(stream), after, limit)]


def time_heads(streams: Iterable[UUID | str]) -> tuple[int, dict[str, int], float]:
    """As read_heads, with the CPU seconds that it took on this thread."""
    began = time.thread_time()
    epoch, heads = read_heads(streams)
    return epoch, heads, time.thread_time() - began
