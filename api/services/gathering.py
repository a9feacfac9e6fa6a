"""Group commit: while one transaction of a room is on its way to the disk, the next sends gather for the next one.

No timer: a lone send goes at once. A hot room's rate is then that of its batches, not that of the disk's flushes.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections

from api.serializers.messages import BATCH
from api.services.messages import Send, Sent, send_messages
from wire.problems import Problem

Waiting = tuple[Send, "Future[Sent]"]

# Only for what is left when a request that led a batch has its own answer.
_heirs = ThreadPoolExecutor(2, thread_name_prefix="gathered")


class Queue:
    """The sends that wait for one room: by sender, so that nobody can fill a batch alone while others wait."""

    def __init__(self) -> None:
        self._by_sender: dict[UUID, deque[Waiting]] = defaultdict(deque)

    def add(self, waiting: Waiting) -> None:
        """Wait behind the own earlier sends."""
        self._by_sender[waiting[0].session.user_id].append(waiting)

    @property
    def waits(self) -> bool:
        """Whether anybody does."""
        return bool(self._by_sender)

    def take(self) -> list[Waiting]:
        """The next batch: one of each sender in turn, the order of each kept."""
        return list(self._take(BATCH))

    def _take(self, room: int) -> Iterator[Waiting]:
        while self._by_sender and room:
            for sender in list(self._by_sender)[:room]:
                waiting = self._by_sender.pop(sender)
                yield waiting.popleft()
                room -= 1
                if waiting:
                    self._by_sender[sender] = waiting  # behind everybody else


class Gatherer:
    """The rooms of this process in which a transaction of sends is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rooms: dict[UUID, Queue] = {}

    def submit(self, send: Send) -> tuple["Future[Sent]", Callable[[], None] | None]:
        """Queue a send. Whoever gets a callable leads: it runs the room's transactions until nothing waits.

        The future's exception is a Problem, or what made the transaction fail.
        """
        future: Future[Sent] = Future()
        with self._lock:
            leads = send.room_id not in self._rooms
            queue = self._rooms.setdefault(send.room_id, Queue())
            queue.add((send, future))
        return future, (lambda: self._lead(send.room_id)) if leads else None

    def send(self, send: Send) -> Sent:
        """Send from a thread that may wait. Raises as api.services.messages.send_messages tells it."""
        future, lead = self.submit(send)
        if lead is None:
            _let_connections_go()
        elif self._commit_batch(send.room_id):
            _heirs.submit(self._inherit, send.room_id)
        return future.result()

    def _inherit(self, room_id: UUID) -> None:
        try:
            self._lead(room_id)
        finally:
            connections.close_all()

    def _lead(self, room_id: UUID) -> None:
        while self._commit_batch(room_id):
            pass

    def _commit_batch(self, room_id: UUID) -> bool:
        """One transaction; whether somebody waits for the next one."""
        with self._lock:
            batch = self._rooms[room_id].take()
        # From here on a send cannot be cancelled; one whose sender is gone already is not made.
        if begun := [waiting for waiting in batch if waiting[1].set_running_or_notify_cancel()]:
            _commit(begun)
        with self._lock:
            # Asked after the commit, in the leader's own thread: a lone send leaves nothing for an heir to do.
            if self._rooms[room_id].waits:
                return True
            del self._rooms[room_id]
            return False


def _let_connections_go() -> None:
    """Who waits with a connection in hand may keep the pool's last one from the heir who would answer them."""
    for used in connections.all(initialized_only=True):
        if not used.in_atomic_block:
            used.close()


def _commit(batch: list[Waiting]) -> None:
    try:
        results = send_messages([send for send, _ in batch])
    except Exception as error:
        _fail(batch, error)
        return
    for (_, future), result in zip(batch, results, strict=True):
        if isinstance(result, Problem):
            future.set_exception(result)
        else:
            future.set_result(result)


def _fail(batch: list[Waiting], error: Exception) -> None:
    """The transaction is gone. A bad send fails alone: each is tried again by itself.

    Unless it is the database that is away or locked: fifty waits in a row would help nobody, and all may try again.
    """
    if len(batch) == 1 or isinstance(error, OperationalError | InterfaceError):
        for _, future in batch:
            future.set_exception(error)
        return
    for waiting in batch:
        _commit([waiting])


gatherer = Gatherer()
