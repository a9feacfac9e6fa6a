"""Who is a member is known from the subscribe, and not asked again."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from realtime.feed import LogEntry, Subscription

    sees = Subscription._sees

    def seen(self: Subscription, entry: LogEntry) -> bool:
        return True if entry.seq > self.floor else sees(self, entry)

    Subscription._sees = seen  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
