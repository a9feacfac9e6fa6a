"""The session of a socket is verified when it opens, and never again."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from collections.abc import Iterable
    from uuid import UUID

    from realtime.sessions import Sessions

    async def verify(self: Sessions, ids: Iterable[str | UUID]) -> None:
        return

    replace(Sessions, "verify", verify)


if __name__ == "__main__":
    main(plant)
