"""Typing: an event that is not stored, may be lost, and expires."""

from uuid import UUID

from api.services.members.access import find_sender
from eventlog.heads import read_heads
from eventlog.transaction import emit_ephemeral


def set_typing(*, user_id: UUID, room_id: UUID, on: bool) -> int:
    """Publish that the user is typing, or no longer typing; returns the head of the room at which this was allowed.

    Raises Problem not_found, room.not_member, room.archived, room.peer_deleted, user.blocked, room.muted or
    room.read_only.
    """
    _, heads = read_heads([room_id])  # before the membership: a member removed up to this head gets no event
    member = find_sender(user_id, room_id)
    head = heads.get(str(room_id), 0)
    if member.room.is_large:  # the mode of a large room is without typing
        return head
    emit_ephemeral(room_id, "typing", user_id, {"on": on}, min_seq=head)
    return head
