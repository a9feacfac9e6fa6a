"""A read marker is acknowledged, and then moved back by three."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from typing import Any

    from api.services import reads

    mark_read = reads.mark_read

    def marked(**where: Any) -> reads.Marker:
        marker = mark_read(**where)
        reads.mark_unread(session=where["session"], room_id=where["room_id"], seq=max(1, where["seq"] - 3))
        return marker

    replace(reads, "mark_read", marked)


if __name__ == "__main__":
    main(plant)
