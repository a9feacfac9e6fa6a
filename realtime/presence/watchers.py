"""The sockets that watch people: what each may see, and at most one frame a second to each. No I/O."""

from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from realtime.log_entry import EventBatch, LogEntry

FRAME_SECONDS = 1.0  # between two frames of one socket


class Receiver(Protocol):
    """The send queue of a socket."""

    @property
    def is_full(self) -> bool:
        """Return whether it takes no more events now."""

    def send_events(self, batch: EventBatch) -> None:
        """Queue a batch."""


class Watcher:
    """A socket that watches: the users, each with whether the watcher may see them, and the events that wait."""

    __slots__ = ("pending", "receiver", "sent_at", "user_id", "watched")

    def __init__(self, user_id: UUID, receiver: Receiver) -> None:
        self.user_id = user_id
        self.receiver = receiver
        self.watched: dict[UUID, bool] = {}
        self.pending: dict[UUID, LogEntry] = {}  # the newest of each user, so no more than are watched
        self.sent_at = 0.0


class Notices:
    """The events that wait for their watchers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: dict[Watcher, None] = {}

    def add(self, entry: LogEntry, user_id: UUID, watchers: Iterable[Watcher]) -> None:
        """Queue the newest state of a user for these watchers."""
        for watcher in watchers:
            watcher.pending[user_id] = entry
            self._waiting[watcher] = None

    def discard(self, watcher: Watcher) -> None:
        """Drop everything that waits for a watcher."""
        self._waiting.pop(watcher, None)
        watcher.pending.clear()

    def send_due(self) -> None:
        """Send to each watcher one frame with all that waits, unless its last one is younger than FRAME_SECONDS.

        A socket that does not read keeps the newest states until it does. Equal frames are built once.
        """
        if not self._waiting:
            return
        latest = self._clock() - FRAME_SECONDS
        batches: dict[tuple[int, ...], EventBatch] = {}
        due = [each for each in self._waiting if each.sent_at <= latest and not each.receiver.is_full]
        for watcher in due:
            del self._waiting[watcher]
            entries = list(watcher.pending.values())
            watcher.pending.clear()
            if not entries:
                continue
            same = tuple(map(id, entries))
            if (batch := batches.get(same)) is None:
                batch = batches[same] = EventBatch(entries)
            watcher.sent_at = latest + FRAME_SECONDS
            watcher.receiver.send_events(batch)
