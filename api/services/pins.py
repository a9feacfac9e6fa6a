"""Pins: the messages that a room shows at hand, newest pin first."""

from typing import Any
from uuid import UUID

import orjson

from accounts.models import Session
from api.models import Block, Member, Message, Pin, Reaction
from api.models.choices import Permission
from api.serializers.message_shape import complete, reactions_of, render_stored
from api.serializers.stubs import hide_message
from api.services.members.access import find_member, find_participant
from api.services.messages import change_fields, find_message
from eventlog.transaction import record_events
from wire.budget import ANSWER_BYTES
from wire.fields import format_time
from wire.pagination import PAGE_DEFAULT, paginate
from wire.problems import Problem, define

MAX_PINS = 100  # of a room

define("pin.limit", 409, "The room has too many pinned messages")


def pin_message(*, session: Session, room_id: UUID, message_id: UUID) -> str:
    """Pin a message, and return the Message as JSON. One that is pinned stays as it is.

    Raises Problem pin.limit, message.deleted, room.role_required, room.archived, room.peer_deleted, user.blocked,
    room.not_member, not_found, auth.invalid_token or auth.account_disabled.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = _find_pinner(session.user_id, room_id)
        message = find_message(member, message_id)
        if message.deleted_at is not None:
            raise Problem("message.deleted")
        if not Pin.objects.filter(pk=message_id).exists():
            if Pin.objects.filter(room=room_id).count() >= MAX_PINS:
                raise Problem("pin.limit", f"A room has at most {MAX_PINS} pinned messages.")
            Pin.objects.create(message=message, room_id=room_id, seq=log.next_seq(room_id))
            pinned_at = format_time(log.time_of(room_id))
            change_fields(log, message, "pin.added", session.user_id, pinned_at=pinned_at, pinned_by=session.user_id)
    return _render(member, message)


def unpin_message(*, session: Session, room_id: UUID, message_id: UUID) -> str:
    """Remove a message from the pins, and return the Message as JSON. One that is not pinned stays as it is.

    Raises as `pin_message` does, but not pin.limit and message.deleted.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = _find_pinner(session.user_id, room_id)
        message = find_message(member, message_id)
        removed, _ = Pin.objects.filter(pk=message_id).delete()
        if removed:
            change_fields(log, message, "pin.removed", session.user_id, pinned_at=None, pinned_by=None)
    return _render(member, message)


def list_pins(
    *,
    user_id: UUID,
    room_id: UUID,
    cursor: str | None = None,
    limit: int = PAGE_DEFAULT,
    max_bytes: int = ANSWER_BYTES,
) -> dict[str, Any]:
    """Return a page of the pinned messages that the user may see, newest pin first, and `mine`, as get_messages does.

    Raises Problem room.not_member, not_found, or request.invalid (cursor).
    """
    member = find_member(user_id, room_id)
    pinned = Message.objects.visible_to(member).filter(pin__room=room_id).select_related("pin")
    page = paginate(pinned, order=("-pin__seq",), cursor=cursor, limit=limit)
    blocked = Block.objects.blocked_by(user_id)
    shown = [complete(message.data.encode()) for message in page.rows]
    return {
        **page.as_dict_within(
            max_bytes,
            lambda rows: [orjson.Fragment(hide_message(render_stored(member.room, row.data), blocked)) for row in rows],
        ),
        "mine": Reaction.objects.keys_of(user_id, reactions_of(shown)),
    }


def _render(member: Member, message: Message) -> str:
    blocked = Block.objects.blocked_by(member.user_id)
    return hide_message(render_stored(member.room, message.data), blocked).decode()


def _find_pinner(user_id: UUID, room_id: UUID) -> Member:
    member = find_participant(user_id, room_id)
    if Permission.PIN not in member.can():
        raise Problem("room.role_required", "Only an admin or the owner pins messages.")
    return member
