"""Typing: it is stored nowhere, may be lost, and ends by itself."""

from uuid import UUID

from api.events import notify
from api.services.members.access import find_sender
from api.services.messages.history import stream_heads


def set_typing(*, user_id: UUID, room_id: UUID, on: bool) -> int:
    """Notify the room's members that the user types, or no longer does; the room's head, at which they may write there.

    Raises Problem not_found, room.not_member, room.archived or room.peer_deleted.
    """
    _, heads = stream_heads([room_id])  # before the membership: whoever was removed up to this head gets nothing
    find_sender(user_id, room_id)
    head = heads.get(room_id, 0)
    notify(room_id, "typing", user_id, {"on": on}, min_seq=head)
    return head
