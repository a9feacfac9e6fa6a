"""Bans and mutes: a banned user is not in the room and cannot enter it; a muted member reads and cannot write."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from accounts.models import NEVER, Session, User
from api.models import Ban, Link, Member, Mute, Room, Sanction
from api.models.choices import Permission, Role, State
from api.serializers.authors import Author
from api.serializers.invites import Ending
from api.serializers.sanctions import render_sanction
from api.services.members.access import find_member, find_writer
from api.services.members.invites import find_open_invite
from api.services.members.transitions import (
    check_not_direct,
    check_permission,
    end_invite,
    end_membership,
    find_users,
)
from eventlog.transaction import EventTransaction, record_events
from wire.fields import format_time
from wire.pagination import paginate
from wire.problems import Problem, define, invalid

MAX_OF_ROOM = 10_000  # bans; and as many mutes

define("ban.limit", 409, "The room has too many bans")
define("mute.limit", 409, "The room has too many mutes")

RANK = {Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}  # of a role; a user who is no member has 0

Kind = TypeVar("Kind", Ban, Mute)


def put_ban(
    *, session: Session, room_id: UUID, user_id: UUID, until: datetime | None = None, reason: str | None = None
) -> dict[str, Any]:
    """Ban a user, who leaves the room, and return the Ban. A ban that is so already is left unchanged.

    Links that the user has made end, and so does an invitation of the user. Raises Problem not_found (room, user),
    room.not_member, room.archived, room.direct, room.role_required, request.invalid (until) or ban.limit.
    """
    with record_events(rooms=[room_id], inboxes=[user_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        user, target = _find_target(actor, user_id, Permission.BAN)
        _check_until(log, until)
        ban = _find(Ban, actor.room, user_id)
        if ban is None or not _is_so(ban, until, reason):
            _check_limit(Ban, ban, actor.room)
            if target is not None:
                end_membership(log, target, State.BANNED, session.user.id)
            if invite := find_open_invite(actor.room, user_id):
                end_invite(log, invite, Ending.WITHDRAWN, session.user.id)
            Link.objects.filter(room=actor.room, created_by=user_id).delete()
            ban = _set(log, Ban, ban, actor, user, until, reason)
        return render_sanction(ban, with_reason=True)


def end_ban(*, session: Session, room_id: UUID, user_id: UUID) -> None:
    """Lift a ban; without one nothing changes.

    Raises Problem not_found, room.not_member, room.archived, room.direct or room.role_required.
    """
    with record_events(rooms=[room_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        check_not_direct(actor.room)
        check_permission(actor, Permission.BAN)
        _lift(log, Ban, actor, user_id)


def put_mute(
    *, session: Session, room_id: UUID, user_id: UUID, until: datetime | None = None, reason: str | None = None
) -> dict[str, Any]:
    """Mute a member, and return the Mute. A mute that is so already is left unchanged; it outlives a leave.

    Raises Problem not_found (room, member), room.not_member, room.archived, room.direct, room.role_required,
    request.invalid (until) or mute.limit.
    """
    with record_events(rooms=[room_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        user, target = _find_target(actor, user_id, Permission.MUTE)
        if target is None:
            raise Problem("not_found", "There is no such member.")
        _check_until(log, until)
        mute = _find(Mute, actor.room, user_id)
        if mute is None or not _is_so(mute, until, reason):
            _check_limit(Mute, mute, actor.room)
            target.muted_until = until or NEVER
            target.save(update_fields=["muted_until"])
            mute = _set(log, Mute, mute, actor, user, until, reason)
        return render_sanction(mute, with_reason=True)


def end_mute(*, session: Session, room_id: UUID, user_id: UUID) -> None:
    """Lift a mute; without one nothing changes. Raises as end_ban."""
    with record_events(rooms=[room_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        check_not_direct(actor.room)
        check_permission(actor, Permission.MUTE)
        if _lift(log, Mute, actor, user_id):
            Member.objects.filter(room=room_id, user=user_id).update(muted_until=None)


def list_bans(*, user_id: UUID, room_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """Return a page of the room's bans, the oldest first, with reasons for those who may ban.

    Raises Problem not_found or room.not_member.
    """
    return _list(Ban, Permission.BAN, user_id, room_id, cursor, limit)


def list_mutes(*, user_id: UUID, room_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """Return a page of the room's mutes, as list_bans does."""
    return _list(Mute, Permission.MUTE, user_id, room_id, cursor, limit)


def _list(
    kind: type[Ban] | type[Mute], permission: Permission, user_id: UUID, room_id: UUID, cursor: str | None, limit: int
) -> dict[str, Any]:
    member = find_member(user_id, room_id)
    with_reason = member.may_see(permission)
    rows = kind.objects.in_force().filter(room=room_id).select_related("user", "by")
    page = paginate(rows, order=["created_at", "id"], cursor=cursor, limit=limit)
    return page.as_dict(lambda found: [render_sanction(each, with_reason=with_reason) for each in found])


def _find_target(actor: Member, user_id: UUID, permission: Permission) -> tuple[User, Member | None]:
    """Find the user, and their membership, if the actor has the permission and the greater role."""
    check_not_direct(actor.room)
    check_permission(actor, permission)
    user = find_users([user_id]).get(user_id)
    if user is None:
        raise Problem("not_found", "There is no such user.")
    target = Member.objects.joined().filter(room=actor.room, user=user).first()
    if target is not None:
        target.room, target.user = actor.room, user
        if RANK[Role(target.role)] >= RANK[Role(actor.role)]:
            raise Problem("room.role_required", "The role of this member is not lower than yours.")
    return user, target


def _check_until(log: EventTransaction, until: datetime | None) -> None:
    if until is not None and until <= log.now:
        raise invalid("until", "min_value", "Give a time in the future.")


def _find(kind: type[Kind], room: Room, user_id: UUID) -> Kind | None:
    found = kind.objects.filter(room=room, user=user_id).select_related("user", "by").first()
    assert found is None or isinstance(found, kind)  # the manager is typed for both
    return found


def _is_so(sanction: Sanction, until: datetime | None, reason: str | None) -> bool:
    return sanction.is_in_force and (sanction.until, sanction.reason) == (until, reason)


def _check_limit(kind: type[Kind], existing: Kind | None, room: Room) -> None:
    if existing is not None and existing.is_in_force:
        return
    if kind.objects.in_force().filter(room=room).count() >= MAX_OF_ROOM:
        raise Problem(f"{kind.__name__.lower()}.limit", f"A room has at most {MAX_OF_ROOM}.")


def _set(
    log: EventTransaction,
    kind: type[Kind],
    sanction: Kind | None,
    actor: Member,
    user: User,
    until: datetime | None,
    reason: str | None,
) -> Kind:
    """Write a ban or mute over the user's earlier one, and append its event."""
    sanction = sanction or kind(room=actor.room, user=user, created_seq=log.next_seq(actor.room_id))
    if sanction.pk is None or not sanction.is_in_force:
        sanction.created_at = log.at
    sanction.by = User.objects.get(pk=actor.user_id)
    sanction.until, sanction.reason, sanction.ended_at = until, reason, None
    sanction.save()
    _append(log, f"{kind.__name__.lower()}.created", sanction, actor)
    return sanction


def _lift(log: EventTransaction, kind: type[Kind], actor: Member, user_id: UUID) -> bool:
    """End the ban or mute of the user, if one is in force; return whether it was."""
    sanction = _find(kind, actor.room, user_id)
    if sanction is None or not sanction.is_in_force:
        return False
    sanction.ended_at = log.at
    sanction.save(update_fields=["ended_at"])
    _append(log, f"{kind.__name__.lower()}.ended", sanction, actor)
    return True


def _append(log: EventTransaction, event_type: str, sanction: Sanction, actor: Member) -> None:
    until = format_time(sanction.until) if sanction.until else None
    log.append(actor.room_id, event_type, actor.user_id, {"user": Author.of(sanction.user)._asdict(), "until": until})
