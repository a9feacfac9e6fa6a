"""Reactions: adding, removing and listing them."""

from typing import Any
from uuid import UUID

from accounts.models import Session
from api.models import Reaction
from api.serializers.authors import Author
from api.services.members.access import find_member
from api.services.messages import find_message
from api.services.messages.group_commit import group_committer
from api.services.reactions.write import React
from wire.fields import format_time
from wire.pagination import PAGE_DEFAULT, paginate

__all__ = ["areact", "list_reactions", "react"]


def react(*, session: Session, room_id: UUID, message_id: UUID, key: str, on: bool) -> str:
    """Add a reaction or, with `on` False, remove it, and return the Message as JSON. `key` is in its stored form.

    A reaction that is so already changes nothing. Reactions and sends of the same time are committed together. Raises
    Problem reaction.limit, message.deleted, room.archived, room.peer_deleted, user.blocked, room.read_only,
    room.not_member, not_found, auth.invalid_token or auth.account_disabled; OperationalError when the database does not
    answer within DATABASE_SECONDS.
    """
    message: str = group_committer.send(React(session, room_id, message_id, key, on))
    return message


async def areact(*, session: Session, room_id: UUID, message_id: UUID, key: str, on: bool) -> str:
    """Add or remove a reaction from an event loop. See `react`."""
    message: str = await group_committer.asend(React(session, room_id, message_id, key, on))
    return message


def list_reactions(
    *,
    user_id: UUID,
    room_id: UUID,
    message_id: UUID,
    key: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_DEFAULT,
) -> dict[str, Any]:
    """Return a page of a message's reactions, by key and then by time, with their users as they are now.

    Raises Problem room.not_member, not_found, or request.invalid (cursor).
    """
    message = find_message(find_member(user_id, room_id), message_id)
    reactions = Reaction.objects.filter(message=message).select_related("user")
    if key is not None:
        reactions = reactions.filter(key=key)
    page = paginate(reactions, order=("key", "seq"), cursor=cursor, limit=limit)
    return page.as_dict(
        lambda rows: [
            {"user": Author.of(row.user)._asdict(), "key": row.key, "at": format_time(row.at)} for row in rows
        ]
    )
