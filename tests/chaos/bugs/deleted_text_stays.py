"""A deleted message is a tombstone in history, and its text stays in the log."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from eventlog.models import EventQuerySet

    def update(self: EventQuerySet, **changes: object) -> int:
        return self.count()

    EventQuerySet.update = update  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    main(plant)
