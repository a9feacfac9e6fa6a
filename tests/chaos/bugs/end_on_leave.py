"""A subscription ends with the leave, and misses a re-add that follows at once."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Break it."""
    from realtime.feed import LogEntry, Subscription

    sees = Subscription._sees

    def seen(self: Subscription, entry: LogEntry) -> bool:
        if getattr(self, "is_over", False):
            return False
        if entry.seq > self.floor and entry.toggles.get(self.user_id) is False:
            self.is_over = True  # type: ignore[attr-defined]
        return sees(self, entry)

    replace(Subscription, "_sees", seen)


if __name__ == "__main__":
    main(plant)
