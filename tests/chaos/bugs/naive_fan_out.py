"""The tutorial: whatever is heard goes to whoever listens, as it comes."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from collections.abc import Iterable

    from realtime.feed import Feed
    from realtime.log_entry import EventBatch, LogEntry

    def offer(self: Feed, entries: Iterable[LogEntry]) -> bool:
        for entry in entries:
            self.tail = max(self.tail, entry.seq)
            for subscription in tuple(self.live):
                subscription.subscriber.send_events(EventBatch([entry]))
        return False

    Feed.offer = offer  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
