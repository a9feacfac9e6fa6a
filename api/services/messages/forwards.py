"""Forwards: a message that shows another one as it is at that moment. Only an erasure changes that copy later."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from accounts.models import User
from api.models import Block, Forward, Member, Message
from api.models.choices import State
from api.models.visibility import visible_ranges
from api.seq_ranges import contains
from api.serializers.authors import Author
from api.serializers.message_shape import complete
from api.serializers.messages import ForwardedFrom
from wire.problems import Problem
from wire.row_tables import insert

Snapshot = Mapping[str, Any]  # ForwardedSerializer documents it


Wanted = tuple[UUID, ForwardedFrom]  # a user, and what the user forwards


def find_originals(wanted: Collection[Wanted]) -> dict[Wanted, Snapshot | Problem]:
    """Return the messages to forward as they are now, or the Problem of one that the user may not see.

    The heads of their rooms are locked: either an erasure finds the forward, or this reads what the erasure left.
    """
    rooms = {(forwarded.room_id, user_id) for user_id, forwarded in wanted}
    members = Member.objects.filter(
        room_id__in={room for room, _ in rooms}, user_id__in={user for _, user in rooms}, state=State.JOINED
    )
    rows = members.values_list("room_id", "user_id", "room__history")
    histories = {(room, user): history for room, user, history in rows if (room, user) in rooms}
    visible = visible_ranges(histories) if histories else {}
    messages = Message.objects.in_bulk([forwarded.message_id for _, forwarded in wanted])
    senders = {message.sender_id for message in messages.values()}
    blocks = Block.objects.filter(user__in={user for user, _ in wanted}, blocked__in=senders)
    hidden = set(blocks.values_list("user_id", "blocked_id"))
    found: dict[Wanted, Snapshot | Problem] = {}
    for user_id, forwarded in wanted:
        message = messages.get(forwarded.message_id)
        ranges = visible.get((forwarded.room_id, user_id), ())
        is_here = message is not None and message.room_id == forwarded.room_id and contains(ranges, message.seq)
        if message is None or not is_here or (user_id, message.sender_id) in hidden:
            found[user_id, forwarded] = Problem("not_found", "There is no such message to forward.")
        elif message.deleted_at is not None:
            found[user_id, forwarded] = Problem("message.deleted", "The message to forward is deleted.")
        else:
            found[user_id, forwarded] = _snapshot(message)
    return _name_authors(found)


def _snapshot(message: Message) -> Snapshot:
    """Return what a forward of this message shows: of a forward without a text of its own, what that one shows."""
    shape = orjson.loads(complete(message.data))
    if shape["text"] == "" and shape["forwarded"] is not None:
        inner: Snapshot = shape["forwarded"]
        return inner
    copied = {name: shape[name] for name in ("room_id", "sender", "text", "attachments", "created_at")}
    return {"message_id": shape["id"], **copied}


def _name_authors(found: Mapping[Wanted, Snapshot | Problem]) -> dict[Wanted, Snapshot | Problem]:
    """Show the authors as they are now: no name of a deleted account is copied while its erasure goes on."""
    authors = User.objects.in_bulk([_author_of(each) for each in found.values() if not isinstance(each, Problem)])
    named = dict(found)
    for wanted, each in found.items():
        if not isinstance(each, Problem):
            named[wanted] = {**each, "sender": Author.of(authors[_author_of(each)])._asdict()}
    return named


def _author_of(snapshot: Snapshot) -> UUID:
    return UUID(str(snapshot["sender"]["id"]))


def insert_forwards(messages: Sequence[Message]) -> None:
    """Insert a row for each new message that forwards another, with the author of the words that it shows."""
    shown = [(message, snapshot) for message in messages if (snapshot := orjson.loads(message.data)["forwarded"])]
    if shown:
        insert(
            Forward._meta.db_table,
            message_id=("uuid", [message.pk for message, _ in shown]),
            room_id=("uuid", [message.room_id for message, _ in shown]),
            author_id=("uuid", [_author_of(snapshot) for _, snapshot in shown]),
            original=("uuid", [UUID(snapshot["message_id"]) for _, snapshot in shown]),
        )
