"""A socket is asked for its token when it opens, and never again."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from collections.abc import Iterable
    from uuid import UUID

    from realtime.sessions import Sessions

    async def verify(self: Sessions, ids: Iterable[str | UUID]) -> None:
        return

    Sessions.verify = verify  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
