"""Links: anybody who has the code of one may see the name of its room, and join it."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts.models import Session
from accounts.services import PURGE_BATCH
from api.models import Link
from api.models.choices import Permission
from api.serializers.links import render_link, render_linked_room
from api.services.members.access import find_member, find_writer
from api.services.members.limits import make_own
from api.services.members.transitions import check_not_direct, check_permission
from api.services.rooms.join import enter_room
from api.services.rooms.summaries import get_room
from eventlog.transaction import record_events
from wire.pagination import paginate
from wire.problems import Problem, define

CODE_BYTES = 16
MAX_OF_ROOM = 50

define("link.limit", 409, "The room has too many links")


def create_link(
    *, session: Session, room_id: UUID, max_age_seconds: int | None = None, max_uses: int | None = None
) -> dict[str, Any]:
    """Create a link to a room, and return the Link with its code, which is not stored.

    Raises Problem not_found, room.not_member, room.archived, room.direct, room.role_required or link.limit.
    """
    code = secrets.token_urlsafe(CODE_BYTES)
    with record_events(rooms=[room_id], session=session) as log:
        actor = find_writer(session.user.id, room_id)
        check_not_direct(actor.room)
        check_permission(actor, Permission.INVITE)
        links = Link.objects.filter(room=room_id)
        links.exclude(pk__in=links.usable().values("pk")).delete()
        if links.count() >= MAX_OF_ROOM:
            raise Problem("link.limit", f"A room has at most {MAX_OF_ROOM} links. Delete one first.")
        expires_at = log.at + timedelta(seconds=max_age_seconds) if max_age_seconds else None
        link = Link.objects.create(
            room=actor.room,
            created_by=session.user,
            code_hash=_hash(code),
            created_at=log.at,
            expires_at=expires_at,
            max_uses=max_uses,
        )
    return {**render_link(link), "code": code}


def list_links(*, user_id: UUID, room_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """Return a page of the room's links that can be used, the oldest first, without their codes.

    Raises Problem not_found, room.not_member or room.role_required.
    """
    _check_may_list(user_id, room_id)
    links = Link.objects.filter(room=room_id).usable().select_related("created_by")
    page = paginate(links, order=["id"], cursor=cursor, limit=limit)
    return page.as_dict(lambda rows: [render_link(link) for link in rows])


def get_room_link(*, user_id: UUID, room_id: UUID, link_id: UUID) -> dict[str, Any]:
    """Return a link of the room that can be used. Raises Problem not_found, room.not_member or room.role_required."""
    _check_may_list(user_id, room_id)
    link = Link.objects.filter(room=room_id, pk=link_id).usable().select_related("created_by").first()
    if link is None:
        raise _no_link()
    return render_link(link)


def delete_link(*, session: Session, room_id: UUID, link_id: UUID) -> None:
    """End a link; without one nothing changes.

    Raises Problem not_found, room.not_member, room.archived, room.direct or room.role_required.
    """
    with record_events(rooms=[room_id], session=session):
        actor = find_writer(session.user.id, room_id)
        check_not_direct(actor.room)
        check_permission(actor, Permission.INVITE)
        Link.objects.filter(room=room_id, pk=link_id).delete()


def get_link(*, code: str) -> dict[str, Any]:
    """Return the room to which a link leads. Raises Problem not_found for one that is unknown, used up or over."""
    link = Link.objects.usable().filter(code_hash=_hash(code)).select_related("room").first()
    if link is None:
        raise _no_link()
    return render_linked_room(link.room)


def join_by_link(*, session: Session, code: str) -> dict[str, Any]:
    """Join the room of a link, and return the Room. For a member nothing changes, and the link loses no use.

    Raises Problem not_found for a link that is unknown, used up or over, or room.banned, room.archived or room.limit.
    """
    user, code_hash = session.user, _hash(code)
    room_id = Link.objects.filter(code_hash=code_hash).values_list("room", flat=True).first()
    if room_id is None:
        raise _no_link()
    with record_events(rooms=[room_id], inboxes=[user.id], session=session) as log:
        # Under the lock of the room's head, so that of two parallel last uses one is refused.
        link = Link.objects.filter(code_hash=code_hash).select_related("room").first()
        if link is None:
            raise _no_link()
        if link.room.members.joined().filter(user=user).exists():
            make_own([(room_id, user.id)])
        else:
            if not Link.objects.usable().filter(pk=link.pk).exists():
                raise _no_link()
            enter_room(log, link.room, user)
            Link.objects.filter(pk=link.pk).update(uses=F("uses") + 1)
    return get_room(user_id=user.id, room_id=room_id)


def purge_links() -> int:
    """Delete up to PURGE_BATCH links that have expired. Returns their number."""
    expired = Link.objects.filter(expires_at__lte=timezone.now()).order_by("expires_at")
    return Link.objects.filter(pk__in=list(expired.values_list("pk", flat=True)[:PURGE_BATCH])).delete()[0]


def _check_may_list(user_id: UUID, room_id: UUID) -> None:
    """Raise Problem not_found, room.not_member or room.role_required unless the user may read the room's links."""
    if not find_member(user_id, room_id).may_see(Permission.INVITE):
        raise Problem("room.role_required", "Only those who may invite see the links of a room.")


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _no_link() -> Problem:
    return Problem("not_found", "There is no such link, or it can no longer be used.")
