"""One socket's subscription to one stream: its cursor, and the rule that decides which events it receives.

The membership rule: nothing is sent to a user after their own leave. The subscription of a user who left or was
removed is *paused*: its cursor moves on. When the log shows that the user joined again, it continues; in a room with
shared history it first goes back to the leave, and in another the events of the pause are never sent.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from api.seq_ranges import SeqRange, contains
from realtime.blocks import Blocked
from realtime.limits import MAX_OUTBOUND_FRAME_BYTES
from realtime.log_entry import EventBatch, LogEntry, batches
from realtime.metrics import DELIVERIES


class Subscriber(Protocol):
    """The receiver of a subscription's events: the bounded send queue of a socket, or a filter in front of it."""

    @property
    def is_full(self) -> bool:
        """Return whether it takes no more events now."""

    async def wait_writable(self) -> None:
        """Wait until it is no longer full, or the socket is gone."""

    def send_events(self, batch: EventBatch) -> None:
        """Queue a batch. It is never refused: the caller checks `is_full` before each."""


class Subscription:
    """A user's place in one stream, and the state of their membership there."""

    def __init__(
        self,
        user_id: str,
        cursor: int,
        subscriber: Subscriber,
        *,
        authorized_as_of: int = 0,
        visible_ranges: Sequence[SeqRange] | None = None,
        is_member: bool = True,
        epoch: int = 1,
        blocked: Blocked | None = None,
    ) -> None:
        """`authorized_as_of` is the head at which the membership was read: later events of the log change it.

        `visible_ranges` are the times of membership up to that head; None means that the history is shared and all
        of it is visible. `epoch` is that of the authorization and of the cursor. `blocked` are the users whose messages
        are sent as stubs; all subscriptions of a user share it, and it changes while they live.
        """
        self.user_id = user_id
        self.cursor = cursor
        self.subscriber = subscriber
        self.authorized_as_of = authorized_as_of
        self.visible_ranges = visible_ranges
        self.is_member = is_member
        self.epoch = epoch
        self.blocked = Blocked() if blocked is None else blocked
        self.left_at: int | None = None
        self.rejoined_at = 0  # the seq of the last join after a pause
        self.live = False
        self.ended = False
        self.awaits_synced = False  # `room.synced` is sent when the subscription becomes live

    @property
    def paused(self) -> bool:
        """Return whether the user is not a member now, so that no event is sent."""
        return not self.is_member

    @property
    def delivered_up_to(self) -> int:
        """The last seq up to which every visible event was sent.

        In a shared history it excludes the events of a pause, for which the subscription goes back after a re-join.
        """
        return self.cursor if self.visible_ranges is not None or self.left_at is None else self.left_at

    def may_see(self, seq: int) -> bool:
        """Return whether the user, who is a member now, may see an earlier event: certainly, when in doubt not."""
        if self.visible_ranges is None:
            return True
        return seq >= self.rejoined_at if seq > self.authorized_as_of else contains(self.visible_ranges, seq)

    def reauthorize(self, head: int, ranges: Sequence[SeqRange] | None, is_member: bool, epoch: int) -> None:
        """Start again at the head of a rewritten log."""
        self.cursor = self.authorized_as_of = head
        self.visible_ranges, self.is_member, self.epoch, self.left_at = ranges, is_member, epoch, None
        self.rejoined_at = 0

    def deliver(self, entries: Iterable[LogEntry]) -> bool:
        """Send the visible events after the cursor, in order; return False when it stopped early and must replay."""
        visible: list[LogEntry] = []
        size = 0
        for entry in entries:
            if entry.seq <= self.cursor:
                continue
            if entry.seq != self.cursor + 1 or self.subscriber.is_full:
                self._send(visible)
                return False
            self.cursor = entry.seq
            if self._take(entry):
                visible.append(entry)
                size += len(entry.json)
            if self.cursor < entry.seq:  # a re-join moved the cursor back to the leave
                self._send(visible[:-1])
                return False
            if size > MAX_OUTBOUND_FRAME_BYTES:
                self._send(visible)
                visible, size = [], 0
        self._send(visible)
        return True

    def _send(self, visible: Sequence[LogEntry]) -> None:
        DELIVERIES.value += len(visible)
        for batch in batches(visible):
            self.subscriber.send_events(batch.without(self.blocked) if self.blocked else batch)

    def _take(self, entry: LogEntry) -> bool:
        """Take the next entry: apply the change of membership that it brings; return whether the user may see it."""
        if entry.seq <= self.authorized_as_of:
            return self.visible_ranges is None or contains(self.visible_ranges, entry.seq)
        joined = entry.membership_changes.get(self.user_id)
        if joined is None:
            return self.is_member
        if joined:
            self._rejoin(entry.seq)
            return True
        was_member, self.is_member, self.left_at = self.is_member, False, entry.seq
        return was_member

    def _rejoin(self, seq: int) -> None:
        """End the pause. A shared history makes the events of the pause visible: go back to the leave for them."""
        if self.paused and self.visible_ranges is None and self.left_at is not None:
            self.cursor, self.authorized_as_of = self.left_at, seq
        self.is_member, self.left_at, self.rejoined_at = True, None, seq
