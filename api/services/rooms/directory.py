"""The directory: the public rooms, by name, activity or size."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models.functions import Coalesce

from api.models import Room
from api.models.choices import DirectorySort
from api.services.rooms.summaries import PRIVATE_FIELDS, summarize
from wire.budget import ANSWER_BYTES
from wire.moving import paginate_moving

# By `sort`: the order, and the time at which a room last moved to its place in it.
ORDERS: dict[str, tuple[Sequence[str], str]] = {
    DirectorySort.ACTIVITY: (("-active_at", "-id"), "active_at"),
    DirectorySort.MEMBERS: (("-member_count", "-id"), "last_event_at"),
    DirectorySort.NAME: (("name", "id"), "renamed_at"),
}


def list_directory(
    *, user_id: UUID, q: str = "", sort: str = DirectorySort.NAME, cursor: str | None = None, limit: int
) -> dict[str, Any]:
    """Return a page of the public rooms that are not archived; name or slug contains each word of `q`.

    `activity` is the time of the newest message or, before the first, of the creation. Rooms that moved since the first
    page come once more on the last one.
    """
    order, moved_at = ORDERS[sort]
    rooms = Room.objects.matching(q).filter(archived_at=None).with_heads().defer(*PRIVATE_FIELDS)
    if sort == DirectorySort.ACTIVITY:
        rooms = rooms.annotate(active_at=Coalesce("last_message_at", "created_at"))
    page = paginate_moving(rooms, order=order, moved_at=moved_at, cursor=cursor, limit=limit)
    return page.as_dict_within(ANSWER_BYTES, lambda rows: summarize(user_id, rows, ANSWER_BYTES))
