"""A subscription goes live without the events between its cursor and the tail."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from realtime.feed import Feed
    from realtime.subscription import Subscription

    go_live = Feed.go_live

    def hasty(self: Feed, subscription: Subscription) -> bool:
        subscription.cursor = max(subscription.cursor, self.tail)
        return go_live(self, subscription)

    replace(Feed, "go_live", hasty)


if __name__ == "__main__":
    main(plant)
