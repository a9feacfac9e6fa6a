"""One stream inside a process: a pure state machine from hints and pages of the log to subscriptions. No I/O, no clock.

Exactly once and in order follows from three rules: a feed appends only tail + 1, a subscription accepts only
cursor + 1, and a page of the log has no gap. The broker only decides when a repair runs.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from realtime.blocks import BLOCK_EVENTS
from realtime.log_entry import EventBatch, LogEntry, batches
from realtime.metrics import DELIVERIES, QUEUE_OVERFLOWS, SUBSCRIPTIONS
from realtime.subscription import Subscription

RING_EVENTS = 500
RING_BYTES = 256 * 1024
PENDING_EVENTS = 64  # above this the repair reads the log anyway

# After user.erased no replay may show the name that the ring still holds, nor the texts after messages.purged. An inbox
# gets no such event, so its ring does not keep room.added, which shows the peer of a direct room.
_CLEAR_RING = frozenset({"user.erased", "messages.purged", "room.added"})

# An ephemeral event for a viewer who blocks these users; None: the viewer gets none.
Hide = Callable[[Collection[str]], EventBatch | None]


class Feed:
    """The tail of one stream in this process: its ring, hints that arrived too early, and its subscriptions."""

    def __init__(self, stream: str, epoch: int, tail: int) -> None:
        self.stream = stream
        self.epoch = epoch
        self.tail = tail
        self.generation = 0  # how often the log was rewritten; a read of an earlier generation is void
        self.ring: deque[LogEntry] = deque()
        self.ring_bytes = 0
        self.pending: dict[int, LogEntry] = {}
        self.announced = 0  # the head of the newest hint without events
        self.subscriptions: set[Subscription] = set()
        self.live: set[Subscription] = set()
        self.paused: set[Subscription] = set()  # the live ones of users who left or were removed
        self.lagging: list[Subscription] = []  # left live mode and must replay; the hub takes them from here
        self.appended: list[LogEntry] = []  # since the hub last took them from here

    @property
    def has_gap(self) -> bool:
        """Return whether a later event is known while the next one is missing."""
        return bool(self.pending) or self.announced > self.tail

    def offer(self, entries: Iterable[LogEntry]) -> bool:
        """Take hints in any order, repeated or late; return whether there is a gap that a repair must fill."""
        for entry in entries:
            if entry.seq == self.tail + 1 or (entry.seq > self.tail and len(self.pending) < PENDING_EVENTS):
                self.pending[entry.seq] = entry
        self._drain()
        return bool(self.pending)

    def announce(self, head: int) -> bool:
        """Take a hint that carries only the head; return whether the log must be read."""
        self.announced = max(self.announced, head)
        return head > self.tail

    def extend(self, page: Sequence[LogEntry]) -> None:
        """Take a page of the log that was read after the tail; hints may have moved the tail meanwhile."""
        fresh = [entry for entry in page if entry.seq > self.tail]
        if fresh and fresh[0].seq == self.tail + 1:
            self.pending.update([(entry.seq, entry) for entry in fresh])
        self._drain()

    def go_live(self, subscription: Subscription) -> bool:
        """Replay the ring and become live, with nothing in between; False when a page of the log must come first.

        A cursor ahead of the tail is allowed: the subscription skips events up to it.
        """
        if subscription.cursor < self.tail and not subscription.deliver(self._after(subscription.cursor)):
            return False
        if subscription.cursor < self.tail:
            return False
        subscription.live = True
        self.live.add(subscription)
        self._mark_paused(subscription)
        return True

    def add(self, subscription: Subscription) -> None:
        """Add a subscription that is not live yet."""
        self.subscriptions.add(subscription)
        SUBSCRIPTIONS.value += 1

    def discard(self, subscription: Subscription) -> None:
        """Remove a subscription; nothing is sent to it from now on."""
        subscription.live, subscription.ended = False, True
        if subscription in self.subscriptions:
            SUBSCRIPTIONS.value -= 1
        for subscriptions in (self.live, self.paused, self.subscriptions):
            subscriptions.discard(subscription)

    def send_ephemeral(
        self, batch: EventBatch, min_seq: int, hide: Hide | None = None, of_seq: int | None = None
    ) -> None:
        """Send an ephemeral event to live members, unless a removal up to `min_seq` may be unknown here.

        `hide` makes it for a viewer who blocks somebody. With `of_seq` it goes only to those who see the event of the
        log with this seq.
        """
        if self.tail < min_seq:
            return
        for subscription in self.live:
            if subscription.is_member and not subscription.subscriber.is_full:
                if of_seq is not None and not subscription.may_see(of_seq):
                    continue
                seen = hide(subscription.blocked) if hide and subscription.blocked else batch
                if seen is not None:
                    subscription.subscriber.send_events(seen)

    def is_behind(self, head: int) -> bool:
        """Return whether the log has more than this feed."""
        return head > self.tail

    def reset(self, epoch: int, head: int) -> None:
        """Continue at the head of a rewritten log. No subscription is live until it is authorized again."""
        self.epoch, self.tail, self.generation = epoch, head, self.generation + 1
        self.pending.clear()
        self.announced = 0
        self.appended = []
        self.clear_ring()
        for subscription in self.live:
            subscription.live = False
        self.live.clear()
        self.paused.clear()

    def clear_ring(self) -> None:
        """Release the ring's memory; a subscription that needs its events reads the log."""
        self.ring.clear()
        self.ring_bytes = 0

    def _mark_paused(self, subscription: Subscription) -> None:
        if subscription.paused:
            self.paused.add(subscription)
        else:
            self.paused.discard(subscription)

    def _after(self, cursor: int) -> Iterator[LogEntry]:
        """The ring after the cursor, or nothing when it does not reach back so far."""
        if not self.ring or cursor + 1 < self.ring[0].seq:
            return iter(())
        return islice(self.ring, cursor + 1 - self.ring[0].seq, None)

    def _drain(self) -> None:
        """Append pending entries while the next seq is among them, and deliver them."""
        ready: list[LogEntry] = []
        while entry := self.pending.pop(self.tail + 1, None):
            self._append(entry)
            ready.append(entry)
        if self.pending:
            for seq in [seq for seq in self.pending if seq <= self.tail]:
                del self.pending[seq]
        if ready:
            self.appended += ready
            for batch in batches(ready):
                self._deliver(batch)

    def _append(self, entry: LogEntry) -> None:
        """Make an entry the tail, and keep it in the ring."""
        self.tail = entry.seq
        if entry.type == "message.deleted":
            for earlier in self.ring:  # a deletion is the last event about a message
                if earlier.message_id == entry.message_id:
                    self.ring_bytes -= len(earlier.json)
                    earlier.retract(entry)
                    self.ring_bytes += len(earlier.json)
        elif entry.type in _CLEAR_RING:
            self.clear_ring()  # the log has been rewritten without the name or the texts
            if entry.type == "room.added":
                return
        elif entry.type in BLOCK_EVENTS:
            # Before it is delivered: a device that has it gets no message of the blocked user whole from then on.
            for subscription in islice(self.subscriptions, 1):  # all of one user, who owns this inbox
                subscription.blocked.apply(entry)
        self.ring.append(entry)
        self.ring_bytes += len(entry.json)
        while len(self.ring) > RING_EVENTS or self.ring_bytes > RING_BYTES:
            self.ring_bytes -= len(self.ring.popleft().json)

    def _deliver(self, batch: EventBatch) -> None:
        first, last = batch.entries[0].seq, batch.entries[-1].seq
        changed = {user for entry in batch.entries for user in entry.membership_changes}
        lagging, shared = [], 0
        for subscription in tuple(self.live):  # sending may end one
            # Fast path of Subscription.deliver: a member whose membership the batch does not change sees all of it,
            # and shares its frame with the other sockets.
            if (
                subscription.cursor == first - 1
                and subscription.authorized_as_of < first
                and subscription.is_member
                and subscription.user_id not in changed
                and not subscription.subscriber.is_full
            ):
                subscription.cursor = last
                subscription.subscriber.send_events(
                    batch.without(subscription.blocked) if subscription.blocked else batch
                )
                shared += 1
            elif subscription.deliver(batch.entries):
                self._mark_paused(subscription)
            else:
                lagging.append(subscription)
        DELIVERIES.value += shared * len(batch.entries)
        for subscription in lagging:
            QUEUE_OVERFLOWS.value += subscription.subscriber.is_full
            subscription.live = False
            self.live.discard(subscription)
            self.paused.discard(subscription)  # its pause may just have ended
        self.lagging += lagging
