"""A deleted message is a tombstone in history, and its text stays in the log."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from eventlog.models import EventQuerySet

    def update(self: EventQuerySet, **changes: object) -> int:
        return self.count()

    replace(EventQuerySet, "update", update)


if __name__ == "__main__":
    main(plant)
