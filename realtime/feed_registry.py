"""The feeds of this process by stream, and the release of idle feeds, old pauses, and rings over the budget."""

import asyncio
from collections.abc import Callable

from realtime.feed import Feed
from realtime.subscription import Subscription

IDLE_SECONDS = 60.0  # a feed without subscriptions is kept so long, for a device that reconnects
PAUSED_SECONDS = 60.0  # a removed member's subscription is kept so long, for a re-add
RING_BYTES_OF_PROCESS = 64 * 1024 * 1024


class FeedRegistry(dict[str, Feed]):
    """Feeds by stream. The hub adds and uses them; the sweep compares them with the log and tidies up."""

    def __init__(self, on_evicted: Callable[[str], None]) -> None:
        """`on_evicted` is called with the stream of each feed that is released."""
        super().__init__()
        self._on_evicted = on_evicted
        self._clock = asyncio.get_running_loop().time
        self._idle_since: dict[str, float] = {}
        self._paused_since: dict[Subscription, float] = {}

    def mark_idle(self, feed: Feed) -> None:
        """Start the time after which a feed without subscriptions is evicted."""
        if not feed.subscriptions:
            self._idle_since[feed.stream] = self._clock()

    def add_subscription(self, feed: Feed, subscription: Subscription) -> None:
        """Add a subscription, which keeps its feed."""
        feed.add(subscription)
        self._idle_since.pop(feed.stream, None)

    def stop(self, feed: Feed, subscription: Subscription) -> None:
        """End a subscription: nothing is sent to it from this instant."""
        feed.discard(subscription)
        # A socket may stop a subscription again that ended long ago, when the stream has a newer feed.
        if self.get(feed.stream) is feed:
            self.mark_idle(feed)

    def evict(self, stream: str) -> None:
        """Release a feed without subscriptions."""
        self._idle_since.pop(stream, None)
        self.pop(stream, None)
        self._on_evicted(stream)

    def tidy(self) -> None:
        """Evict idle feeds, stop subscriptions that have been paused for long, and keep the rings within the budget."""
        now = self._clock()
        for stream, since in list(self._idle_since.items()):
            if now - since > IDLE_SECONDS:
                self.evict(stream)
        self._stop_paused(now)
        self._limit_rings()

    def _stop_paused(self, now: float) -> None:
        paused = [(feed, subscription) for feed in self.values() for subscription in feed.paused]
        self._paused_since = {each: self._paused_since.get(each, now) for _, each in paused}
        for feed, subscription in paused:
            if now - self._paused_since[subscription] > PAUSED_SECONDS:
                self.stop(feed, subscription)

    def _limit_rings(self) -> None:
        """Clear the rings with the fewest live subscriptions first."""
        total = sum(feed.ring_bytes for feed in self.values())
        if total <= RING_BYTES_OF_PROCESS:
            return
        for feed in sorted(self.values(), key=lambda feed: len(feed.live)):
            total -= feed.ring_bytes
            feed.clear_ring()
            if total <= RING_BYTES_OF_PROCESS:
                return
