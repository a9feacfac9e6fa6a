"""Seqs come from a counter that a rolled-back transaction does not give back."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Break it."""
    import random
    from uuid import UUID

    from api.events import Log
    from api.models import StreamHead

    make = Log.__init__

    def made(self: Log, heads: dict[UUID, StreamHead]) -> None:
        make(self, heads)
        for head in heads.values():
            head.last_seq += random.random() < 0.02

    replace(Log, "__init__", made)


if __name__ == "__main__":
    main(plant)
