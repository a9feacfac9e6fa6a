"""Nothing compares the feeds with the log, so a lost last hint is a lost event."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from realtime.sweep import Sweep

    async def forever(self: Sweep) -> None:
        await self.due.wait()

    replace(Sweep, "forever", forever)


if __name__ == "__main__":
    main(plant)
