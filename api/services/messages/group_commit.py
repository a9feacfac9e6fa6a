"""Group commit: sends that arrive while a transaction is under way are committed together by the next one.

There is no timer: a lone send is committed at once. The number of sends that a process can commit depends on how many
fit into a transaction, for one hot room or for a thousand quiet ones, and not on how fast the disk flushes.
PostgreSQL (commit_delay) and MySQL (binary log group commit) do the same for transactions. Reactions are committed in
the same way, in the same batches: wherever this module says send, it means any Write.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Future
from copy import copy
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import UUID

from django.db import connection, connections

from accounts.models import Session
from api.serializers.messages import BATCH
from eventlog.transaction import EventTransaction, record_events
from wire import metrics
from wire.connections import close_broken_connections, close_ended_connections, release_connections
from wire.outages import DATABASE_SECONDS, database_timeout, is_lock_timeout, is_outage, release_cursors
from wire.problems import Problem

logger = logging.getLogger(__name__)


class Write(Protocol):
    """A send or a reaction: a write to one room that shares a transaction with others."""

    @property
    def session(self) -> Session: ...
    @property
    def room_id(self) -> UUID: ...
    @property
    def rooms(self) -> tuple[UUID, ...]:
        """The rooms whose heads are locked for it."""
        ...

    @property
    def is_plain(self) -> bool:
        """Return whether `commit` can commit it."""
        ...

    def commit(self, *, nowait: bool) -> Any:
        """Commit it alone, on PostgreSQL, in a shorter way than that of a batch. Return its result or its Problem."""
        ...

    @staticmethod
    def write(log: EventTransaction, writes: Any) -> Sequence[Any]:
        """Write several of this type to locked rooms. Return the result of each, or its Problem."""
        ...


QueuedSend = tuple[Write, "Future[Any]"]

# More concurrent transactions would only be smaller. With a second one, a room whose head another writer has locked
# delays only the sends of its own batch. SQLite has one writer: further transactions would wait for its lock.
MAX_CONCURRENT_COMMITS = 1 if connection.vendor == "sqlite" else 2

COMMIT_SENDS = metrics.Histogram(
    "parley_commit_sends", "Sends that one transaction committed", buckets=(1, 2, 5, 10, 20, 50)
)
COMMIT_SECONDS = metrics.Histogram("parley_commit_seconds", "Time of such a transaction, with its wait for locks")
COMMIT_FAILURES = metrics.Counter("parley_commit_failures_total", "Transactions of sends that failed")

IDLE_SECONDS = 60.0  # after which a committer thread gives its database connection back


class FairQueue:
    """Queued sends by sender, so that one sender cannot fill a batch while others wait."""

    def __init__(self) -> None:
        self._by_sender: dict[UUID, deque[QueuedSend]] = defaultdict(deque)

    def __bool__(self) -> bool:
        return bool(self._by_sender)

    def add(self, queued: QueuedSend) -> None:
        """Append a send to those of its sender."""
        self._by_sender[queued[0].session.user_id].append(queued)

    def take(self, busy_rooms: Collection[UUID]) -> list[QueuedSend]:
        """Remove and return the next batch, without the busy rooms: one send of each sender in turn, in order."""
        batch: list[QueuedSend] = []
        found = True
        while found:
            found = False
            for sender in list(self._by_sender):
                if len(batch) == BATCH:
                    return batch
                sends = self._by_sender[sender]
                place = next((place for place, (send, _) in enumerate(sends) if send.room_id not in busy_rooms), None)
                if place is None:
                    continue
                found = True
                batch.append(sends[place])
                del sends[place], self._by_sender[sender]
                if sends:
                    self._by_sender[sender] = sends  # behind the other senders
        return batch


class GroupCommitter:
    """Commits the queued sends of this process, in a limited number of transactions at a time.

    A room is in one transaction at a time, so that each sender's messages keep their order. The threads start with the
    first `submit`; a process that never sends has none.
    """

    def __init__(self, max_concurrent_commits: int = MAX_CONCURRENT_COMMITS) -> None:
        self._max_commits = max_concurrent_commits
        self.reset()

    def reset(self) -> None:
        """Forget the queue and the threads: a forked process has no threads, and the sends are its parent's."""
        self._lock = threading.Lock()
        self._queue = FairQueue()
        self._busy_rooms: set[UUID] = set()
        self._commits = 0  # transactions under way
        self._threads: list[threading.Thread] = []
        self._wakeups: SimpleQueue[bool] = SimpleQueue()  # False ends a thread
        self._is_waking = False  # a thread was woken and has not taken a batch yet

    def enqueue(self, send: Write) -> "Future[Any]":
        """Queue a send for the next `commit_next`. It can be cancelled until its transaction begins.

        The future's exception is a Problem, or the reason why the transaction failed.
        """
        future: Future[Any] = Future()
        with self._lock:
            self._queue.add((send, future))
        return future

    def submit(self, send: Write) -> "Future[Any]":
        """Queue a send and have a committer thread commit it. See `enqueue`."""
        future = self.enqueue(send)
        self._wake_thread()
        return future

    async def asend(self, send: Write) -> Any:
        """Commit a send, from an event loop. Raises as `send`."""
        future = self.submit(send)
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise database_timeout() from error

    def send(self, send: Write) -> Any:
        """Commit a send, from a thread that may wait. Raises its Problem, or django.db.Error.

        When fewer transactions than allowed are under way, this thread commits the next batch itself: a lone send
        needs no other thread.
        """
        future = self.enqueue(send)
        self.commit_next()
        if self._queue:
            self._wake_thread()
        if not future.done():
            release_connections()
        try:
            return future.result(DATABASE_SECONDS)
        except TimeoutError as error:
            future.cancel()
            raise database_timeout() from error

    def commit_next(self) -> bool:
        """Commit the next batch in this thread. Return False when there is none, or enough commits are under way."""
        with self._lock:
            self._is_waking = False
            batch = self._queue.take(self._busy_rooms) if self._commits < self._max_commits else []
            if not batch:
                return False
            rooms = _rooms_of(batch)
            self._busy_rooms |= rooms
            self._commits += 1
        try:
            # From here on a send can no longer be cancelled.
            if begun := [queued for queued in batch if queued[1].set_running_or_notify_cancel()]:
                _commit(begun)
        except Exception as error:  # beyond what `_fail` handles: no client may wait for nothing
            logger.exception("A batch of sends failed")
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        finally:
            with self._lock:
                self._busy_rooms -= rooms
                self._commits -= 1
        return True

    def close(self) -> None:
        """Commit the queued sends and end the threads."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._wakeups.put(False)
        for thread in threads:
            thread.join(DATABASE_SECONDS)

    def _wake_thread(self) -> None:
        """Wake one thread, unless one is on its way or all commits are under way: those look at the queue again."""
        with self._lock:
            if self._is_waking or self._commits == self._max_commits:
                return
            for number in range(len(self._threads), self._max_commits):
                # A daemon thread does not keep the process from ending: `close` ends it, after the last commit.
                thread = threading.Thread(target=self._run, name=f"committer-{number}", daemon=True)
                thread.start()
                self._threads.append(thread)
            self._is_waking = True
            self._wakeups.put(True)

    def _run(self) -> None:
        wakeups, is_open = self._wakeups, True
        while is_open:
            try:
                is_open = _wait_for(wakeups)
                close_ended_connections()
                while self.commit_next():
                    pass
                close_broken_connections()
            except Exception:
                logger.exception("A committer thread could not close its connection, and goes on")
        connections.close_all()


def _wait_for(wakeups: "SimpleQueue[bool]") -> bool:
    try:
        return wakeups.get(timeout=IDLE_SECONDS)
    except Empty:
        connections.close_all()
        return wakeups.get()


def _rooms_of(batch: Iterable[QueuedSend]) -> set[UUID]:
    return {send.room_id for send, _ in batch}


def _commit(batch: list[QueuedSend], *, nowait: bool = False) -> None:
    """Commit a batch in one transaction, and give each send its result."""
    began = time.monotonic()
    try:
        first = batch[0][0]
        if len(batch) == 1 and connection.vendor == "postgresql" and first.is_plain:
            results: Sequence[Any] = [first.commit(nowait=nowait)]
        else:
            results = _write([write for write, _ in batch], nowait=nowait)
        COMMIT_SENDS.observe(len(batch))
        COMMIT_SECONDS.observe(time.monotonic() - began)
    except Exception as error:
        COMMIT_FAILURES.add()
        release_cursors(error)
        _fail(batch, error)
        return
    for (_, future), result in zip(batch, results, strict=True):
        if isinstance(result, Problem):
            future.set_exception(result)
        else:
            future.set_result(result)


def _write(writes: Sequence[Write], *, nowait: bool) -> Sequence[Any]:
    """Write sends and reactions in one transaction, each type at once. Return the result of each, in order."""
    results: dict[int, Any] = {}
    with record_events(rooms={room for write in writes for room in write.rooms}, nowait=nowait) as log:
        by_type: dict[type[Write], list[int]] = defaultdict(list)
        for place, write in enumerate(writes):
            by_type[type(write)].append(place)
        for kind, places in by_type.items():
            results |= zip(places, kind.write(log, [writes[place] for place in places]), strict=True)
    return [results[place] for place in range(len(writes))]


def _fail(batch: list[QueuedSend], error: Exception) -> None:
    """Handle a failed transaction so that only the bad sends fail: each send is retried alone.

    If a room's head stayed locked too long, each room is retried alone, without waiting again. If the database is
    away, nothing is retried: fifty more timeouts in a row would help nobody, and the clients may retry.
    """
    rooms = _rooms_of(batch)
    if is_lock_timeout(error) and len(rooms) > 1:
        for room in rooms:
            _commit([queued for queued in batch if queued[0].room_id == room], nowait=True)
    elif len(batch) == 1 or is_outage(error):
        for _, future in batch:
            own = copy(error)  # raising an exception adds to its traceback
            own.__cause__ = error
            future.set_exception(own)
    else:
        for queued in batch:
            _commit([queued])


group_committer = GroupCommitter()
atexit.register(group_committer.close)
os.register_at_fork(after_in_child=group_committer.reset)
