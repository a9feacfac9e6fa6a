"""A subscription ends with the leave, and misses a re-add that follows at once."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from realtime.log_entry import LogEntry
    from realtime.subscription import Subscription

    sees = Subscription._take

    def seen(self: Subscription, entry: LogEntry) -> bool:
        if getattr(self, "is_over", False):
            return False
        if entry.seq > self.authorized_as_of and entry.membership_changes.get(self.user_id) is False:
            self.is_over = True  # type: ignore[attr-defined]
        return sees(self, entry)

    replace(Subscription, "_take", seen)


if __name__ == "__main__":
    main(plant)
