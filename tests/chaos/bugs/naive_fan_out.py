"""Every hint is sent to every subscriber as it comes, like the tutorial does it."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from collections.abc import Iterable

    from realtime.feed import Feed
    from realtime.log_entry import EventBatch, LogEntry

    def offer(self: Feed, entries: Iterable[LogEntry]) -> bool:
        for entry in entries:
            self.tail = max(self.tail, entry.seq)
            for subscription in tuple(self.live):
                subscription.subscriber.send_events(EventBatch([entry]))
        return False

    replace(Feed, "offer", offer)


if __name__ == "__main__":
    main(plant)
