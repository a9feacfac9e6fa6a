"""A read marker is answered as it was asked for, and then put back a little."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from typing import Any

    from api.services import reads

    mark_read = reads.mark_read

    def marked(**where: Any) -> reads.Marker:
        marker = mark_read(**where)
        reads.mark_unread(**{**where, "seq": max(1, where["seq"] - 3)})
        return marker

    reads.mark_read = marked


if __name__ == "__main__":
    main(plant)
