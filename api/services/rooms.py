"""Rooms are made, changed and archived, and found by their slug."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import normalize
from uuid import UUID

import orjson
from django.db import IntegrityError

from accounts.models import Session, User
from api.events import Log, recording
from api.models import Epoch, Room
from api.models.members import Role
from api.models.rooms import History, Kind
from api.serializers.rooms import fold_slug, room_event_data
from api.services import stays
from api.services.access import find_writer
from api.services.descriptions import describe_rooms, get_room, list_directory, list_rooms
from api.services.members import join_room
from wire.problems import FieldError, Problem, define, invalid

__all__ = [
    "archive_room",
    "create_room",
    "describe_rooms",
    "ensure_lobby",
    "get_or_create_direct",
    "get_room",
    "list_directory",
    "list_rooms",
    "room_for_slug",
    "update_room",
]

LOBBY = "lobby"

define("room.slug_taken", 409, "The slug is taken")
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
    """Make a public or private room and its first members; the Room, and whether it is new.

    The same client_id with the same content answers the Room as it is now. Raises Problem request.invalid (members),
    room.client_id_reused, room.slug_taken or room.limit.
    """
    creator_id = session.user.id
    everyone = list(dict.fromkeys([creator_id, *members]))
    history = history or (History.SHARED if kind == Kind.PUBLIC else History.SINCE_JOINED)
    room = Room(kind=kind, name=name, slug=slug, topic=topic, metadata=metadata or {}, history=history)
    room.created_by_id, room.client_id = creator_id, client_id
    room.digest = _digest(room, everyone) if client_id else None
    try:
        with recording(inboxes=everyone, session=session) as log:
            existing = _created_before(room)
            if existing is None:
                users = _first_members(everyone)
                stays.refuse_full(everyone)
                _open(log, room, users, [Role.OWNER, *[Role.MEMBER] * (len(users) - 1)])
    except IntegrityError as error:
        raise _slug_taken(slug) from error
    return get_room(user_id=creator_id, room_id=existing or room.id), existing is None


def update_room(*, session: Session, room_id: UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change name, slug, topic and metadata, as far as they are given; the Room.

    Raises Problem not_found, room.not_member, room.archived, room.direct, room.role_required, request.invalid (slug)
    or room.slug_taken.
    """
    try:
        with recording(rooms=[room_id], session=session) as log:
            member = find_writer(session.user.id, room_id)
            stays.refuse_direct(member.room)
            stays.require(member, "update")
            _change(log, member.room, changes, session.user.id)
    except IntegrityError as error:
        raise _slug_taken(changes.get("slug")) from error
    return get_room(user_id=session.user.id, room_id=room_id)


def archive_room(*, session: Session, room_id: UUID) -> None:
    """Make the room read-only for ever.

    Raises Problem not_found, room.not_member, room.archived, room.direct or room.role_required.
    """
    with recording(rooms=[room_id], session=session) as log:
        member = find_writer(session.user.id, room_id)
        stays.refuse_direct(member.room)
        stays.require(member, "archive")
        stays.archive(log, member.room, session.user.id)


def get_or_create_direct(*, session: Session, user_id: UUID) -> tuple[dict[str, Any], bool]:
    """The one room that two users share; the Room, and whether it is new.

    Both inboxes are locked before the room is looked for again, so parallel calls make one room. Raises Problem
    request.invalid (oneself), not_found (user) or room.limit.
    """
    my_id = session.user.id
    if user_id == my_id:
        raise invalid("user_id", "self", "A direct room joins you with somebody else.")
    room = Room(kind=Kind.DIRECT, history=History.SHARED, created_by_id=my_id)
    room.direct_key = ":".join(sorted([str(my_id), str(user_id)]))
    existing = _direct_id(room.direct_key)
    if existing is None:
        with recording(inboxes=[my_id, user_id], session=session) as log:
            existing = _direct_id(room.direct_key)
            if existing is None:
                users = stays.find_users([my_id, user_id])
                if len(users) < 2:
                    raise Problem("not_found", "There is no such user.")
                stays.refuse_full(users)
                _open(log, room, [users[my_id], users[user_id]], [Role.MEMBER, Role.MEMBER])
    return get_room(user_id=my_id, room_id=existing or room.id), existing is None


def room_for_slug(*, session: Session, slug: str) -> dict[str, Any]:
    """The public room of this slug, made when there is none, joined when the user is not in it.

    Raises Problem request.invalid (slug), room.archived or room.limit.
    """
    folded = fold_slug(slug)
    if folded is None:
        raise invalid("slug", "invalid", "Use 1 to 64 letters, digits, _ and -.")
    room_id = _slug_id(folded)
    if room_id is None:
        try:
            return create_room(session=session, kind=Kind.PUBLIC, name=folded, slug=folded)[0]
        except Problem as problem:
            # Somebody else made it since we looked.
            room_id = _slug_id(folded)
            if problem.code != "room.slug_taken" or room_id is None:
                raise
    room = get_room(user_id=session.user.id, room_id=room_id)
    return room if room["me"]["state"] == "joined" else join_room(session=session, room_id=room_id)


def ensure_lobby() -> None:
    """Make the public room that everybody finds on a fresh server; nobody owns it until somebody joins."""
    if _slug_id(LOBBY) is not None:
        return
    room = Room(kind=Kind.PUBLIC, name="Lobby", slug=LOBBY, history=History.SHARED)
    try:
        with recording() as log:
            _open(log, room, [], [])
    except IntegrityError:
        if _slug_id(LOBBY) is None:  # else another process was quicker
            raise


def _open(log: Log, room: Room, users: Sequence[User], roles: Sequence[Role]) -> None:
    room.created_at, room.member_count = log.at, len(users)
    room.save(force_insert=True)
    log.open(room.id)
    stays.begin_together(log, room, users, roles)
    members = [{"user_id": str(user.id), "role": role.value} for user, role in zip(users, roles, strict=True)]
    data = {**room_event_data(room, Epoch.current()), "members": members}
    log.append(room.id, "room.created", room.created_by_id, data)
    stays.tell_added(log, room, [user.id for user in users], room.created_by_id, seq=1)


def _change(log: Log, room: Room, changes: Mapping[str, Any], actor_id: UUID) -> None:
    if changes.get("slug") is not None and room.kind != Kind.PUBLIC:
        raise invalid("slug", "public_only", "Only public rooms have a slug.")
    changed = [name for name, value in changes.items() if _canonical(value) != _canonical(getattr(room, name))]
    if not changed:
        return
    for name in changed:
        setattr(room, name, changes[name])
    room.save(update_fields=changed)
    log.append(room.id, "room.updated", actor_id, room_event_data(room, Epoch.current()))


def _first_members(user_ids: Sequence[UUID]) -> list[User]:
    users = stays.find_users(user_ids)
    unknown = [user_id for user_id in user_ids if user_id not in users]
    if unknown:
        errors = [FieldError("members", "unknown_user", f"There is no user {user_id}.") for user_id in unknown]
        raise Problem("request.invalid", errors=errors)
    return [users[user_id] for user_id in user_ids]


def _created_before(draft: Room) -> UUID | None:
    """The room that this creator made with this client_id; their inbox is locked, so nobody makes it meanwhile."""
    if draft.client_id is None:
        return None
    room = Room.objects.filter(created_by=draft.created_by_id, client_id=draft.client_id).first()
    if room is not None and room.digest != draft.digest:
        raise Problem("room.client_id_reused", "You made another room with this client_id.")
    return room.id if room else None


def _digest(room: Room, user_ids: Iterable[UUID]) -> str:
    """Of the content as first sent: a retry says the same, in whatever order."""
    name, topic = normalize("NFC", room.name or ""), normalize("NFC", room.topic)
    content = [room.kind, name, room.slug, topic, room.metadata, room.history, sorted(map(str, user_ids))]
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(value: object) -> bytes:
    """A form to compare by: texts in NFC; other values as JSON, because in Python 1 and True are equal."""
    if isinstance(value, str):
        value = normalize("NFC", value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _slug_taken(slug: str | None) -> Exception:
    if slug is not None and _slug_id(slug) is not None:
        return Problem("room.slug_taken", f"Another room has the slug {slug}.")
    # Lost to a change that was undone at once, or to one that the locks should have excluded.
    return Problem("unavailable", "Somebody changed the same thing. Try again.")


def _slug_id(slug: str) -> UUID | None:
    return Room.objects.filter(slug=slug).values_list("pk", flat=True).first()


def _direct_id(direct_key: str) -> UUID | None:
    return Room.objects.filter(direct_key=direct_key).values_list("pk", flat=True).first()
