"""Hints are trusted: nobody compares with the log, so a lost last hint is a lost event."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from realtime.sweep import Sweep

    async def forever(self: Sweep) -> None:
        await self.due.wait()

    Sweep.forever = forever  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
