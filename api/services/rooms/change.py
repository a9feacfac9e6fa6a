"""Changing a room for all of its members, or for one of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from accounts.models import Session
from api.models import Member, Room
from api.models.choices import Kind, Permission, Role
from api.serializers.rooms import render_preferences, room_event_data
from api.services.members.access import find_member_and_head, find_writer
from api.services.members.transitions import check_not_direct, check_permission
from api.services.rooms.create import canonical
from api.services.rooms.slugs import slug_conflict
from api.services.rooms.summaries import get_room
from eventlog.models import Epoch
from eventlog.transaction import EventTransaction, record_events
from wire.problems import Problem, invalid


def update_room(*, session: Session, room_id: UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change the given ones of name, slug, topic, metadata, posting, slow_mode_seconds and, as an owner,
    retention_days; returns the Room.

    Raises Problem not_found, room.not_member, room.archived, room.direct, room.role_required, request.invalid (slug)
    or room.slug_taken.
    """
    try:
        with record_events(rooms=[room_id], session=session) as log:
            member = find_writer(session.user.id, room_id)
            check_not_direct(member.room)
            check_permission(member, Permission.UPDATE)
            days = member.room.retention_days
            if member.role != Role.OWNER and changes.get("retention_days", days) != days:
                raise Problem("room.role_required", "Only an owner changes how long messages are kept.")
            _update(log, member.room, changes, session.user.id)
    except IntegrityError as error:
        raise slug_conflict(changes.get("slug")) from error
    return get_room(user_id=session.user.id, room_id=room_id)


def update_room_me(*, session: Session, room_id: UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change the given ones of notify, snoozed_until, pinned and hidden, for the user alone; returns the Room's `me`.

    A hidden room is hidden until a message comes after the head at this moment. A direct room, which cannot be left,
    then no longer counts as one of the user's own. Raises Problem not_found or room.not_member.
    """
    user_id = session.user.id
    with record_events(inboxes=[user_id], session=session) as log:
        member, head = find_member_and_head(user_id, room_id)
        mine = Member.objects.filter(pk=member.pk)
        hidden = mine.with_hidden().get().is_hidden
        changed = {
            name: value for name, value in changes.items() if name != "hidden" and value != getattr(member, name)
        }
        if changes.get("hidden", hidden) != hidden:
            hidden = not hidden
            changed["hidden_seq"] = head if hidden else None
            changed["put_by_other"] = member.put_by_other or (hidden and member.room.kind == Kind.DIRECT)
        if changed:
            mine.update(**changed)
            for name, value in changed.items():
                setattr(member, name, value)
            log.append(user_id, "room.preferred", user_id, render_preferences(member, hidden=hidden, head=head))
    me: dict[str, Any] = get_room(user_id=user_id, room_id=room_id)["me"]
    return me


def _update(log: EventTransaction, room: Room, changes: Mapping[str, Any], actor_id: UUID) -> None:
    """Write the changes that differ from the room; without one no event is appended."""
    if changes.get("slug") is not None and room.kind != Kind.PUBLIC:
        raise invalid("slug", "public_only", "Only public rooms have a slug.")
    changed = [name for name, value in changes.items() if canonical(value) != canonical(getattr(room, name))]
    if not changed:
        return
    for name in changed:
        setattr(room, name, changes[name])
    if "name" in changed:
        room.renamed_at = log.at
    room.save(update_fields=[*changed, "renamed_at"])
    log.append(room.id, "room.updated", actor_id, room_event_data(room, Epoch.current()))
