"""Membership is looked up at the subscribe, and never again."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Break it."""
    from realtime.feed import LogEntry, Subscription

    sees = Subscription._sees

    def seen(self: Subscription, entry: LogEntry) -> bool:
        return True if entry.seq > self.floor else sees(self, entry)

    replace(Subscription, "_sees", seen)


if __name__ == "__main__":
    main(plant)
