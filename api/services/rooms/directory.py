"""The directory: the public rooms, by name."""

from typing import Any
from uuid import UUID

from api.models import Room
from api.services.rooms.summaries import PRIVATE_FIELDS, summarize
from wire.budget import ANSWER_BYTES
from wire.moving import paginate_moving


def list_directory(*, user_id: UUID, q: str = "", cursor: str | None = None, limit: int) -> dict[str, Any]:
    """Return a page of the public rooms that are not archived, by name; name or slug contains each word of `q`.

    Rooms that were renamed since the first page come once more on the last one.
    """
    rooms = Room.objects.matching(q).filter(archived_at=None).with_heads().defer(*PRIVATE_FIELDS)
    page = paginate_moving(rooms, order=["name", "id"], moved_at="renamed_at", cursor=cursor, limit=limit)
    return page.as_dict_within(ANSWER_BYTES, lambda rows: summarize(user_id, rows, ANSWER_BYTES))
