"""Seqs come from a counter that a rolled-back transaction does not give back."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    import random
    from typing import Any
    from uuid import UUID

    from api.events import Log
    from api.models import Event

    append = Log.append

    def appended(self: Log, stream: UUID, *arguments: Any, **named: Any) -> Event:
        event = append(self, stream, *arguments, **named)
        if random.random() < 0.02:
            self.heads[stream].last_seq += 1
        return event

    Log.append = appended  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
