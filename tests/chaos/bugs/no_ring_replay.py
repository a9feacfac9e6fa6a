"""A subscription goes live without the events between its cursor and the tail."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from realtime.feed import Feed, Subscription

    advance = Feed.advance

    def hasty(self: Feed, subscription: Subscription) -> bool:
        subscription.cursor = max(subscription.cursor, self.tail)
        return advance(self, subscription)

    Feed.advance = hasty  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
