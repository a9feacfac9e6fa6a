"""The invitations of a user, each with its room."""

from typing import Any
from uuid import UUID

from api.models import Invite
from api.serializers.authors import Author
from api.services.rooms.summaries import summarize_rooms
from wire.budget import ANSWER_BYTES
from wire.fields import format_time
from wire.pagination import paginate


def list_my_invites(
    *, user_id: UUID, cursor: str | None = None, limit: int, max_bytes: int = ANSWER_BYTES
) -> dict[str, Any]:
    """Return a page of the user's open invitations, the oldest first, each with its Room as from outside."""
    invites = Invite.objects.open().filter(user=user_id).select_related("invited_by")
    page = paginate(invites, order=["created_at", "id"], cursor=cursor, limit=limit)

    def render(rows: list[Invite]) -> list[dict[str, Any]]:
        rooms = summarize_rooms(user_id, sorted((invite.room_id for invite in rows), reverse=True))
        return [
            {
                "room": rooms[invite.room_id],
                "invited_by": Author.of(invite.invited_by)._asdict(),
                "created_at": format_time(invite.created_at),
            }
            for invite in rows
            if invite.room_id in rooms  # else the invitation has just ended
        ]

    return page.as_dict_within(max_bytes, render)
