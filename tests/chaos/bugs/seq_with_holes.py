"""Seqs come from a counter that a rolled-back transaction does not give back."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    import random
    from uuid import UUID

    from eventlog.models import StreamHead
    from eventlog.transaction import EventTransaction

    make = EventTransaction.__init__

    def made(self: EventTransaction, heads: dict[UUID, StreamHead]) -> None:
        make(self, heads)
        for head in heads.values():
            head.last_seq += random.random() < 0.02

    replace(EventTransaction, "__init__", made)


if __name__ == "__main__":
    main(plant)
