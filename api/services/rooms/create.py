"""Creating a room with its first members, in one transaction."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from unicodedata import normalize
from uuid import UUID

import orjson
from django.db import IntegrityError

from accounts import audit
from accounts.models import Session, User
from api.models import Room
from api.models.choices import History, Kind, Role
from api.serializers.rooms import room_event_data
from api.services.members.invites import append_invite, find_blockers, find_unplaceable, rooms_of_surplus
from api.services.members.limits import INVITES, check_own_rooms
from api.services.members.transitions import append_room_added, begin_first_memberships, find_users
from api.services.rooms.slugs import slug_conflict
from api.services.rooms.summaries import get_room
from eventlog.locking import RETRY_LOCK_MS, find_or_create
from eventlog.models import Epoch
from eventlog.transaction import EventTransaction, record_events
from wire.problems import FieldError, Problem, define

define("room.client_id_reused", 409, "The client_id was used for another room")


def create_room(
    *,
    session: Session,
    kind: str,
    name: str,
    slug: str | None = None,
    topic: str = "",
    metadata: dict[str, Any] | None = None,
    members: Iterable[UUID] = (),
    history: str | None = None,
    client_id: str | None = None,
) -> tuple[dict[str, Any], bool]:
    """Create a public or private room with its first members; returns the Room, and whether it is new.

    Users whom nobody can add are invited; those who block the creator are left out. A retry, with the same client_id
    and content, returns the Room as it is now. Raises Problem request.invalid (members), room.client_id_reused,
    room.slug_taken, room.limit, invite.limit or limit.invite.
    """
    creator_id = session.user.id
    user_ids = list(dict.fromkeys([creator_id, *members]))
    history = history or (History.SHARED if kind == Kind.PUBLIC else History.SINCE_JOINED)
    room = Room(kind=kind, name=name, slug=slug, topic=topic, metadata=metadata or {}, history=history)
    room.created_by_id, room.client_id = creator_id, client_id
    room.digest = _digest(room, user_ids) if client_id else None
    room_id, is_new = find_or_create(partial(_find_created, room), partial(insert_room, session, room, user_ids))
    return get_room(user_id=creator_id, room_id=room_id), is_new


def create_room_of(
    *,
    owner: User,
    body: Mapping[str, Any],
    actor: str,
    reason: str = "",
    confirm: Callable[[], object] = lambda: None,
) -> tuple[UUID, bool]:
    """Create a room that a user owns, for an operator; returns its id, and whether it is new.

    `body` is a valid CreateRoomBody. Without a client_id in it, a room of this kind, name and slug is created once for
    each owner. `confirm` is called in the transaction. Raises Problem as create_room, or auth.account_disabled.
    """
    if not owner.is_active:
        raise Problem("auth.account_disabled", f"{owner.username} cannot log in, so they cannot own a room.")
    kind, members = body["kind"], body["members"]
    history = body.get("history") or (History.SHARED if kind == Kind.PUBLIC else History.SINCE_JOINED)
    fields = {name: body[name] for name in ("kind", "name", "slug", "topic", "metadata")}
    room = Room(created_by=owner, history=history, **fields)
    key = hashlib.sha256(canonical([kind, body["name"], body["slug"]])).hexdigest()[:40]
    room.client_id = body.get("client_id") or f"operator-{key}"
    user_ids = list(dict.fromkeys([owner.pk, *members]))
    room.digest = _digest(room, user_ids)
    target = ("room", room.pk)

    def on_created() -> None:
        confirm()
        audit.record("room.created", actor=actor, target=target, room_id=room.pk, reason=reason)

    insert = partial(insert_room, None, room, user_ids, on_created=on_created)
    return find_or_create(partial(_find_created, room), insert)


def insert_room(
    session: Session | None,
    room: Room,
    user_ids: Sequence[UUID],
    on_created: Callable[[], object] = lambda: None,
) -> tuple[UUID, bool]:
    """Write a room, whose first user owns it, unless a retry has written it already; its id, and whether it is new.

    `on_created` is called in the transaction. Raises Problem as create_room.
    """
    try:
        rooms = rooms_of_surplus(user_ids[1:])
        with record_events(rooms=rooms, inboxes=user_ids, session=session, lock_timeout_ms=RETRY_LOCK_MS) as log:
            existing = _find_created(room)
            if existing is not None:
                return existing
            users = _find_first_members(user_ids)
            check_own_rooms(user_ids[0])
            blockers, unplaceable = find_blockers(user_ids[0], user_ids[1:]), find_unplaceable(user_ids[1:])
            invited = [user for user in users if user.id in unplaceable - blockers]
            added = [user for user in users if user.id not in unplaceable | blockers]
            open_room(log, room, added, [Role.OWNER, *[Role.MEMBER] * (len(added) - 1)], invited=invited)
            on_created()
    except IntegrityError as error:
        raise slug_conflict(room.slug) from error
    return room.id, True


def open_room(
    log: EventTransaction, room: Room, users: Sequence[User], roles: Sequence[Role], invited: Sequence[User] = ()
) -> None:
    """Insert the room and its memberships, and append room.created and the inbox events of its members.

    The first user invites the others. Raises Problem limit.invite, or IntegrityError for a slug that another room has.
    """
    room.created_at = log.at
    room.count_members(len(users))
    room.save(force_insert=True)
    if len(users) + len(invited) > 1:
        # After the insert, so that a room which a constraint rejects does not count.
        INVITES.take(str(room.created_by_id), len(users) + len(invited) - 1)
    log.open_stream(room.id)
    begin_first_memberships(log, room, users, roles)
    members = [{"user_id": str(user.id), "role": role.value} for user, role in zip(users, roles, strict=True)]
    data = {**room_event_data(room, Epoch.current()), "members": members}
    log.append(room.id, "room.created", room.created_by_id, data)
    append_room_added(log, room, users, room.created_by_id, seq=1)
    for user in invited:
        append_invite(log, room, user, users[0])


def canonical(value: object) -> bytes:
    """Encode a value for comparison: texts in NFC; other values as JSON, because in Python 1 equals True."""
    if isinstance(value, str):
        value = normalize("NFC", value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _find_created(draft: Room) -> tuple[UUID, bool] | None:
    """Find the room that an earlier request with this client_id created; raises Problem room.client_id_reused."""
    if draft.client_id is None:
        return None
    room = Room.objects.filter(created_by=draft.created_by_id, client_id=draft.client_id).first()
    if room is not None and room.digest != draft.digest:
        raise Problem("room.client_id_reused", "You made another room with this client_id.")
    return (room.id, False) if room else None


def _find_first_members(user_ids: Sequence[UUID]) -> list[User]:
    users = find_users(user_ids)
    unknown = [user_id for user_id in user_ids if user_id not in users]
    if unknown:
        errors = [FieldError("members", "unknown_user", f"There is no user {user_id}.") for user_id in unknown]
        raise Problem("request.invalid", errors=errors)
    return [users[user_id] for user_id in user_ids]


def _digest(room: Room, user_ids: Iterable[UUID]) -> str:
    """Hash the content as first sent, with its keys sorted, to recognize a retry."""
    name, topic = normalize("NFC", room.name or ""), normalize("NFC", room.topic)
    content = [room.kind, name, room.slug, topic, room.metadata, room.history, sorted(map(str, user_ids))]
    return hashlib.sha256(canonical(content)).hexdigest()
