"""Group commit: while a few transactions are on their way to the disk, the next sends gather for the next one.

No timer: a lone send goes at once. How many sends a process writes is then a matter of how many fit in a transaction,
whether they are for one hot room or for a thousand quiet ones, and not of the disk's flushes.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from itertools import islice
from uuid import UUID

from django.db import OperationalError, connection, connections

from api.serializers.messages import BATCH
from api.services.messages.send import Send, SendResult, send_messages
from wire.connections import release_connections
from wire.outages import is_outage
from wire.problems import Problem

Waiting = tuple[Send, "Future[SendResult]"]

# Transactions of sends at once. More would only be smaller; with a second one, a room whose head somebody else holds
# delays nobody who was not gathered with it. SQLite has one writer: what would wait for its lock waits here instead.
LANES = 1 if connection.vendor == "sqlite" else 2

WAIT_SECONDS = 8.0  # for a transaction that somebody else leads, also when the database is frozen; as on the socket

# Only for what is left when a request that led a batch has its own answer.
_heirs = ThreadPoolExecutor(LANES, thread_name_prefix="gathered")


class Queue:
    """The sends that wait, by sender, so that nobody can fill a batch alone while others wait."""

    def __init__(self) -> None:
        self._lines: dict[UUID, deque[Waiting]] = defaultdict(deque)

    def add(self, waiting: Waiting) -> None:
        """Wait behind the own earlier sends."""
        self._lines[waiting[0].session.user_id].append(waiting)

    def take(self, busy: Collection[UUID]) -> list[Waiting]:
        """The next batch, of rooms that are not busy: one of each sender in turn, the order of each in a room kept."""
        batch: list[Waiting] = []
        while turn := list(islice(self._turn(busy), BATCH - len(batch))):
            batch += turn
        return batch

    def _turn(self, busy: Collection[UUID]) -> Iterator[Waiting]:
        for sender in list(self._lines):
            line = self._lines[sender]
            place = next((place for place, (send, _) in enumerate(line) if send.room_id not in busy), None)
            if place is None:
                continue
            waiting = line[place]
            del line[place], self._lines[sender]
            if line:
                self._lines[sender] = line  # behind everybody else
            yield waiting


class GroupCommitter:
    """The sends of this process, and the rooms in which a transaction of them is under way."""

    def __init__(self, lanes: int = LANES) -> None:
        self._free_lanes = lanes
        self._lock = threading.Lock()
        self._queue = Queue()
        self._busy: set[UUID] = set()

    def submit(self, send: Send) -> tuple["Future[SendResult]", Callable[[], None] | None]:
        """Queue a send. Whoever gets a callable leads: it runs transactions for as long as somebody waits for one.

        The future's exception is a Problem, or what made the transaction fail.
        """
        future, leads = self._add(send)
        return future, (lambda: self._lead(self._next({send.room_id}))) if leads else None

    def send(self, send: Send) -> SendResult:
        """Send from a thread that may wait. Raises as api.services.messages.send.send_messages, or django.db.Error."""
        future, leads = self._add(send)
        if leads and (batch := self._next({send.room_id})):
            _commit(batch)
            # Asked after the commit, in the leader's own thread: a lone send leaves nothing for an heir to do.
            if rest := self._next(_rooms_of(batch)):
                _heirs.submit(self._inherit, rest)
        if not future.done():
            release_connections()
        try:
            return future.result(WAIT_SECONDS)
        except TimeoutError as error:
            future.cancel()
            raise OperationalError("The database did not answer in time") from error

    def _add(self, send: Send) -> tuple["Future[SendResult]", bool]:
        future: Future[SendResult] = Future()
        with self._lock:
            self._queue.add((send, future))
            leads = self._free_lanes > 0 and send.room_id not in self._busy
            if leads:
                self._free_lanes -= 1
                self._busy.add(send.room_id)
        return future, leads

    def _next(self, done: Set[UUID]) -> list[Waiting]:
        """Let go of these rooms and take a batch, whose rooms are busy from now on; without one the lane ends."""
        with self._lock:
            self._busy -= done
            batch = self._queue.take(self._busy)
            self._busy |= _rooms_of(batch)
            self._free_lanes += not batch
        return batch

    def _lead(self, batch: list[Waiting]) -> None:
        while batch:
            _commit(batch)
            batch = self._next(_rooms_of(batch))

    def _inherit(self, batch: list[Waiting]) -> None:
        try:
            self._lead(batch)
        finally:
            connections.close_all()


def _rooms_of(batch: Iterable[Waiting]) -> set[UUID]:
    return {send.room_id for send, _ in batch}


def _commit(batch: Iterable[Waiting]) -> None:
    """One transaction. From here on a send cannot be cancelled; one whose sender is gone already is not made."""
    begun = [waiting for waiting in batch if waiting[1].set_running_or_notify_cancel()]
    if begun:
        _write(begun)


def _write(batch: list[Waiting], *, nowait: bool = False) -> None:
    try:
        results = send_messages([send for send, _ in batch], nowait=nowait)
    except Exception as error:
        _fail(batch, error)
        return
    for (_, future), result in zip(batch, results, strict=True):
        if isinstance(result, Problem):
            future.set_exception(result)
        else:
            future.set_result(result)


def _fail(batch: list[Waiting], error: Exception) -> None:
    """The transaction is gone. What is bad fails alone: each send is tried again by itself.

    If a room's head could not be had in time, each room is, without waiting again. If it is the database that is away,
    nothing is: fifty waits in a row would help nobody, and all may try again.
    """
    rooms = _rooms_of(batch)
    if _is_held(error) and len(rooms) > 1:
        for room in rooms:
            _write([waiting for waiting in batch if waiting[0].room_id == room], nowait=True)
    elif len(batch) == 1 or is_outage(error):
        for _, future in batch:
            own = copy(error)  # whoever raises one adds to its traceback
            own.__cause__ = error
            future.set_exception(own)
    else:
        for waiting in batch:
            _write([waiting])


def _is_held(error: Exception) -> bool:
    """Return whether this is PostgreSQL's lock_not_available: a head was locked for longer than lock_timeout."""
    return getattr(error.__cause__, "sqlstate", None) == "55P03"


group_committer = GroupCommitter()
