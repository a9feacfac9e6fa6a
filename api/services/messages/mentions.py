"""Mentions, as a send or an edit writes them: who may be named, and the rows by which users find them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from accounts.models import User
from api.models import Member, Mention, Message
from api.models.choices import Permission
from wire.problems import Problem, invalid

Mentions = Mapping[str, Any]  # {"users": [ids], "room": bool}
Sender = tuple[UUID, UUID]  # a room and a user
NO_MENTIONS: Mentions = {"users": [], "room": False}


class Named:
    """The users whom some messages name, and what the senders may do: read under the locks, for all at once."""

    def __init__(self, sent: Collection[tuple[Sender, Mentions]]) -> None:
        users = {user for _, mentions in sent for user in mentions["users"]}
        naming_all = {sender for sender, mentions in sent if mentions["room"]}
        rooms = {room for (room, _), _ in sent}
        joined = Member.objects.joined()
        self._known = set(User.objects.filter(pk__in=users).values_list("pk", flat=True)) if users else set()
        members = joined.filter(room__in=rooms, user__in=users).values_list("room_id", "user_id") if users else ()
        self._members = set(members)
        self._senders: dict[Sender, Member] = {}
        if naming_all:
            senders = joined.filter(room__in=rooms, user__in={user for _, user in naming_all}).select_related("room")
            self._senders = {(row.room_id, row.user_id): row for row in senders}

    def check(self, sender: Sender, mentions: Mentions) -> Problem | None:
        """Return why the sender may not name these, or None."""
        unknown = [place for place, user in enumerate(mentions["users"]) if user not in self._known]
        if unknown:
            return invalid(f"mentions.users.{unknown[0]}", "not_found", "There is no such user.")
        if mentions["room"] and Permission.MENTION_ROOM not in self._senders[sender].can():
            detail = f"To mention everybody needs the permission {Permission.MENTION_ROOM}, which you do not have."
            return Problem("room.role_required", detail)
        return None

    def keep_members(self, room_id: UUID, mentions: Mentions) -> dict[str, Any]:
        """Return the mentions as the Message shows them: without users who are not members of the room."""
        users = [str(user) for user in dict.fromkeys(mentions["users"]) if (room_id, user) in self._members]
        return {"users": users, "room": mentions["room"]}


def resolve_mentions(sender: Sender, mentions: Mentions) -> dict[str, Any]:
    """Return the mentions of an edit as the Message shows them.

    Raises Problem request.invalid (mentions) or room.role_required.
    """
    named = Named([(sender, mentions)])
    problem = named.check(sender, mentions)
    if problem is not None:
        raise problem
    return named.keep_members(sender[0], mentions)


def record_mentions(messages: Iterable[Message]) -> None:
    """Add the rows of new messages that name somebody."""
    rows = [row for message in messages for row in _rows(message, orjson.loads(message.data)["mentions"])]
    if rows:
        Mention.objects.bulk_create(rows)


def replace_mentions(message: Message, mentions: Mentions) -> None:
    """Replace the rows of an edited message."""
    Mention.objects.filter(message=message).delete()
    Mention.objects.bulk_create(_rows(message, mentions))


def _rows(message: Message, mentions: Mentions) -> Sequence[Mention]:
    targets = [str(message.room_id)] if mentions["room"] else mentions["users"]
    names = ("room_id", "sender_id", "seq", "in_main_line", "created_at")
    copied = {name: getattr(message, name) for name in names}
    return [Mention(target=UUID(target), message=message, **copied) for target in targets]
