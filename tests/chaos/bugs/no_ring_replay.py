"""A subscription goes live without the events between its cursor and the tail."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Break it."""
    from realtime.feed import Feed, Subscription

    advance = Feed.advance

    def hasty(self: Feed, subscription: Subscription) -> bool:
        subscription.cursor = max(subscription.cursor, self.tail)
        return advance(self, subscription)

    replace(Feed, "advance", hasty)


if __name__ == "__main__":
    main(plant)
