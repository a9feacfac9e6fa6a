"""The database as the event loop uses it: an executor of our own, and the reads of the log that the hub needs.

Channels' own bridge runs all sockets' queries on one thread, so that one slow query would hold back every echo.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import OperationalError, connection, connections

from api.models import Event, Interval, Member
from api.models.rooms import History
from api.services import sync as sync_service
from api.services.access import find_writer, seen_from_outside
from api.services.gathering import gatherer
from api.services.messages import Send, Sent
from api.services.sync import Synced
from realtime.feed import Entry, Stay

P = ParamSpec("P")
T = TypeVar("T")

PAGE_EVENTS = 200
PAGE_BYTES = 200 * 1024  # a page on the socket ends here and says so
DATABASE_SECONDS = 8.0  # above the statement and lock timeouts of the database itself; for one that is frozen
_executor = ThreadPoolExecutor(getattr(settings, "WS_DB_THREADS", 8), thread_name_prefix="ws-db")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the ORM on a thread of our own pool. Raises OperationalError when it takes too long."""

    running = asyncio.get_running_loop().run_in_executor(_executor, lambda: _on_thread(function, *args, **kwargs))
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await running
    except TimeoutError as error:
        raise OperationalError("The database did not answer in time") from error


def _on_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Hand the thread's connection back afterwards: to the pool, or close it."""
    try:
        return function(*args, **kwargs)
    finally:
        for used in connections.all(initialized_only=True):
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


@dataclass(frozen=True, slots=True)
class Admission:
    """What a subscription may hear, read in one snapshot: everything up to `head` is decided by it."""

    head: int
    epoch: int
    stays: tuple[Stay, ...] | None = None  # None: all of it

    @property
    def is_member(self) -> bool:
        """False when a leave was read that came after the membership."""
        return self.stays is None or any(last is None for _, last in self.stays)

    def missed(self, after: int) -> tuple[int, int, int]:
        """How many visible events after a cursor there are up to the head, the first of them and the last."""
        stays = ((1, None),) if self.stays is None else self.stays
        parts = [(max(first, after + 1), min(last or self.head, self.head)) for first, last in stays]
        parts = [(first, last) for first, last in parts if first <= last]
        if not parts:
            return 0, 0, 0
        return sum(last - first + 1 for first, last in parts), parts[0][0], parts[-1][1]


class DatabaseLog:
    """The log as the hub reads it."""

    async def admit(self, user_id: UUID, room_id: UUID | None) -> Admission:
        """See the function of that name."""
        return await in_database(admit, user_id, room_id)

    async def page(self, stream: str, after: int) -> list[Entry]:
        """See read_page."""
        return await in_database(read_page, stream, after)

    async def heads(self, streams: Sequence[str]) -> tuple[int, dict[str, int], float]:
        """See time_heads."""
        return await in_database(time_heads, streams)


def admit(user_id: UUID, room_id: UUID | None) -> Admission:
    """Read head and membership of a room, or of the user's inbox. Raises Problem not_found or room.not_member.

    The head is read first: who is a member after that may hear all up to it, and the log tells the rest in order.
    """
    stream = room_id or user_id
    admission = admit_all(user_id, [stream]).get(stream)
    if admission is None:
        raise seen_from_outside(stream)
    return admission


def admit_all(user_id: UUID, streams: Sequence[UUID]) -> dict[UUID, Admission]:
    """As admit, for many streams by a constant number of queries; those that are not the user's are left out."""
    epoch, heads = read_heads(streams)
    members = Member.objects.filter(user_id=user_id, room_id__in=streams, state="joined")
    rooms = {
        room: (joined, history) for room, joined, history in members.values_list("room", "joined_seq", "room__history")
    }
    partly = [room for room, (_, history) in rooms.items() if history == History.SINCE_JOINED]
    stays = _read_stays(user_id, partly)
    admissions = {}
    for stream in streams:
        head = heads.get(str(stream), 0)
        if stream in stays:
            head = max([head, *(seq for stay in stays[stream] for seq in stay if seq)])
        elif stream in rooms:
            head = max(head, rooms[stream][0])
        if stream == user_id or stream in rooms:
            admissions[stream] = Admission(head, epoch, stays.get(stream))
    return admissions


def _read_stays(user_id: UUID, rooms: Sequence[UUID]) -> dict[UUID, tuple[Stay, ...]]:
    if not rooms:
        return {}
    stays: dict[UUID, tuple[Stay, ...]] = {}
    intervals = Interval.objects.filter(user_id=user_id, room_id__in=rooms).order_by("joined_seq")
    for room, first, last in intervals.values_list("room_id", "joined_seq", "left_seq"):
        stays[room] = (*stays.get(room, ()), (first, last))
    return stays


def sync(user_id: UUID, subscribe: bool, **body: Any) -> tuple[Synced, dict[UUID, Admission]]:
    """The answer to a sync, and what is needed to go on from it. Raises as api.services.sync does."""
    synced = sync_service.sync(user_id=user_id, max_bytes=PAGE_BYTES, **body)
    return synced, admit_all(user_id, list(synced.cursors)) if subscribe else {}


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


def read_heads(streams: Iterable[UUID | str]) -> tuple[int, dict[str, int]]:
    """The epoch and the heads of all these streams, in one query with one bind parameter."""
    if connection.vendor == "postgresql":
        chosen = "SELECT unnest(%s::uuid[])"
        parameter: str | list[str] = [str(stream) for stream in streams]
    else:
        chosen = "SELECT value FROM json_each(%s)"
        parameter = orjson.dumps([UUID(str(stream)).hex for stream in streams]).decode()
    query = f"""SELECT e.value, h.stream, h.last_seq FROM api_epoch e
                LEFT JOIN api_streamhead h ON h.stream IN ({chosen})"""
    with connection.cursor() as cursor:
        cursor.execute(query, (parameter,))
        rows = cursor.fetchall()
    return rows[0][0], {str(UUID(str(stream))): seq for _, stream, seq in rows if stream}
