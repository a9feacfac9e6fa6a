"""Membership is looked up at the subscribe, and never again."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from realtime.log_entry import LogEntry
    from realtime.subscription import Subscription

    sees = Subscription._take

    def seen(self: Subscription, entry: LogEntry) -> bool:
        return True if entry.seq > self.authorized_as_of else sees(self, entry)

    replace(Subscription, "_take", seen)


if __name__ == "__main__":
    main(plant)
