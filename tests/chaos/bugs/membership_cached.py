"""Who is a member is known from the subscribe, and not asked again."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from realtime.log_entry import LogEntry
    from realtime.subscription import Subscription

    sees = Subscription._is_visible

    def seen(self: Subscription, entry: LogEntry) -> bool:
        return True if entry.seq > self.authorized_as_of else sees(self, entry)

    Subscription._is_visible = seen  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
