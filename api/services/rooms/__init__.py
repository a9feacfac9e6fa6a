"""Rooms are made, changed, archived and unarchived, and found by their slug."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from unicodedata import normalize
from uuid import UUID

import orjson
from django.db import IntegrityError

from accounts.models import Session, User
from api.events import LOOK_AGAIN_MS, Log, find_or_make, record_events
from api.models import Epoch, Member, Room
from api.models.members import Role, State
from api.models.rooms import History, Kind
from api.serializers.rooms import fold_slug, room_event_data
from api.services.members import transitions
from api.services.members.access import find_member, find_reader, find_writer
from api.services.rooms.summaries import get_room, list_directory, list_rooms, summarize_rooms
from wire.problems import FieldError, Problem, define, invalid

__all__ = [
    "archive_room",
    "create_room",
    "ensure_lobby",
    "get_or_create_direct",
    "get_room",
    "join_room",
    "list_directory",
    "list_rooms",
    "room_for_slug",
    "summarize_rooms",
    "unarchive_room",
    "update_room",
    "update_room_me",
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
    room.client_id_reused, room.slug_taken, room.limit or limit.invite.
    """
    creator_id = session.user.id
    everyone = list(dict.fromkeys([creator_id, *members]))
    history = history or (History.SHARED if kind == Kind.PUBLIC else History.SINCE_JOINED)
    room = Room(kind=kind, name=name, slug=slug, topic=topic, metadata=metadata or {}, history=history)
    room.created_by_id, room.client_id = creator_id, client_id
    room.digest = _digest(room, everyone) if client_id else None
    room_id, is_new = find_or_make(partial(_created_before, room), partial(_create, session, room, everyone))
    return get_room(user_id=creator_id, room_id=room_id), is_new


def update_room(*, session: Session, room_id: UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change name, slug, topic and metadata, as far as they are given; the Room.

    Raises Problem not_found, room.not_member, room.archived, room.direct, room.role_required, request.invalid (slug)
    or room.slug_taken.
    """
    try:
        with record_events(rooms=[room_id], session=session) as log:
            member = find_writer(session.user.id, room_id)
            transitions.refuse_direct(member.room)
            transitions.require(member, "update")
            _change(log, member.room, changes, session.user.id)
    except IntegrityError as error:
        raise _slug_taken(changes.get("slug")) from error
    return get_room(user_id=session.user.id, room_id=room_id)


def archive_room(*, session: Session, room_id: UUID) -> None:
    """Make the room read-only; its slug is free for others.

    Raises Problem not_found, room.not_member, room.archived, room.direct or room.role_required.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = find_writer(session.user.id, room_id)
        transitions.refuse_direct(member.room)
        transitions.require(member, "archive")
        transitions.archive(log, member.room, session.user.id)


def unarchive_room(*, session: Session, room_id: UUID) -> dict[str, Any]:
    """Open an archived room for writing again, with its slug if that is free; the Room. An open room stays as it is.

    Raises Problem not_found, room.not_member, room.direct or room.role_required.
    """
    with record_events(rooms=[room_id], session=session) as log:
        member = find_member(session.user.id, room_id)
        transitions.refuse_direct(member.room)
        transitions.require(member, "unarchive" if member.room.is_archived else "archive")
        if member.room.is_archived:
            transitions.unarchive(log, member.room, session.user.id)
    return get_room(user_id=session.user.id, room_id=room_id)


def get_or_create_direct(*, session: Session, user_id: UUID) -> tuple[dict[str, Any], bool]:
    """The one room that two users share; the Room, and whether it is new.

    Both inboxes are locked before the room is looked for again, so parallel calls make one room. The rooms of the other
    refuse nothing: whoever fills them would keep everybody else from writing to that user. Raises Problem
    request.invalid (oneself), not_found (user), room.limit or limit.invite.
    """
    my_id = session.user.id
    if user_id == my_id:
        raise invalid("user_id", "self", "A direct room joins you with somebody else.")
    room = Room(kind=Kind.DIRECT, history=History.SHARED, created_by_id=my_id)
    room.direct_key = ":".join(sorted([str(my_id), str(user_id)]))
    room_id, is_new = find_or_make(partial(_direct_before, room), partial(_create_direct, session, room, user_id))
    return get_room(user_id=my_id, room_id=room_id), is_new


def room_for_slug(*, session: Session, slug: str) -> dict[str, Any]:
    """The public room of this slug, made when there is none, joined when the user is not in it.

    Raises Problem request.invalid (slug) or room.limit.
    """
    folded = fold_slug(slug)
    if folded is None:
        raise invalid("slug", "invalid", "Use 1 to 64 letters, digits, _ and -.")
    room_id, _ = find_or_make(partial(_with_slug, folded), partial(_create_with_slug, session, folded))
    room = get_room(user_id=session.user.id, room_id=room_id)
    if room["me"]["state"] == "joined":
        return room
    try:
        return join_room(session=session, room_id=room_id)
    except Problem as problem:
        if problem.code != "room.archived":
            raise
    # Archived since it was found: the slug is free.
    return room_for_slug(session=session, slug=folded)


def ensure_lobby() -> None:
    """Make the public room that everybody finds on a fresh server; nobody owns it until somebody joins."""
    if _slug_id(LOBBY) is not None:
        return
    room = Room(kind=Kind.PUBLIC, name="Lobby", slug=LOBBY, history=History.SHARED)
    try:
        with record_events() as log:
            _open(log, room, [], [])
    except IntegrityError:
        if _slug_id(LOBBY) is None:  # else another process was quicker
            raise


def _create(session: Session, room: Room, user_ids: Sequence[UUID]) -> tuple[UUID, bool]:
    try:
        with record_events(inboxes=user_ids, session=session, lock_timeout_ms=LOOK_AGAIN_MS) as log:
            existing = _created_before(room)
            if existing is not None:
                return existing
            users = _first_members(user_ids)
            transitions.refuse_full(session.user.id)
            transitions.refuse_placing(user_ids[1:])
            _open(log, room, users, [Role.OWNER, *[Role.MEMBER] * (len(users) - 1)])
    except IntegrityError as error:
        raise _slug_taken(room.slug) from error
    return room.id, True


def _create_direct(session: Session, room: Room, user_id: UUID) -> tuple[UUID, bool]:
    my_id = session.user.id
    with record_events(inboxes=[my_id, user_id], session=session, lock_timeout_ms=LOOK_AGAIN_MS) as log:
        existing = _direct_before(room)
        if existing is not None:
            return existing
        users = transitions.find_users([my_id, user_id])
        if len(users) < 2:
            raise Problem("not_found", "There is no such user.")
        transitions.refuse_full(my_id)
        _open(log, room, [users[my_id], users[user_id]], [Role.MEMBER, Role.MEMBER])
    return room.id, True


def _create_with_slug(session: Session, slug: str) -> tuple[UUID, bool]:
    room = Room(kind=Kind.PUBLIC, name=slug, slug=slug, history=History.SHARED, created_by_id=session.user.id)
    try:
        return _create(session, room, [session.user.id])
    except Problem as problem:
        existing = _with_slug(slug)
        if problem.code != "room.slug_taken" or existing is None:
            raise
        return existing  # somebody else made it since we looked


def _open(log: Log, room: Room, users: Sequence[User], roles: Sequence[Role]) -> None:
    room.created_at, room.member_count = log.at, len(users)
    room.save(force_insert=True)
    if len(users) > 1:
        # After the insert, which a slug may refuse: what is refused otherwise costs nothing.
        transitions.INVITES.take(str(room.created_by_id), len(users) - 1)
    log.open(room.id)
    transitions.begin_together(log, room, users, roles)
    members = [{"user_id": str(user.id), "role": role.value} for user, role in zip(users, roles, strict=True)]
    data = {**room_event_data(room, Epoch.current()), "members": members}
    log.append(room.id, "room.created", room.created_by_id, data)
    transitions.tell_added(log, room, users, room.created_by_id, seq=1)


def _change(log: Log, room: Room, changes: Mapping[str, Any], actor_id: UUID) -> None:
    if changes.get("slug") is not None and room.kind != Kind.PUBLIC:
        raise invalid("slug", "public_only", "Only public rooms have a slug.")
    changed = [name for name, value in changes.items() if _canonical(value) != _canonical(getattr(room, name))]
    if not changed:
        return
    for name in changed:
        setattr(room, name, changes[name])
    if "name" in changed:
        room.renamed_at = log.at
    room.save(update_fields=[*changed, "renamed_at"])
    log.append(room.id, "room.updated", actor_id, room_event_data(room, Epoch.current()))


def _first_members(user_ids: Sequence[UUID]) -> list[User]:
    users = transitions.find_users(user_ids)
    unknown = [user_id for user_id in user_ids if user_id not in users]
    if unknown:
        errors = [FieldError("members", "unknown_user", f"There is no user {user_id}.") for user_id in unknown]
        raise Problem("request.invalid", errors=errors)
    return [users[user_id] for user_id in user_ids]


def _created_before(draft: Room) -> tuple[UUID, bool] | None:
    """The room that this creator made with this client_id."""
    if draft.client_id is None:
        return None
    room = Room.objects.filter(created_by=draft.created_by_id, client_id=draft.client_id).first()
    if room is not None and room.digest != draft.digest:
        raise Problem("room.client_id_reused", "You made another room with this client_id.")
    return (room.id, False) if room else None


def _digest(room: Room, user_ids: Iterable[UUID]) -> str:
    """The digest of the content as first sent, by which a retry is recognised whatever the order of its keys."""
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


def _with_slug(slug: str) -> tuple[UUID, bool] | None:
    room_id = _slug_id(slug)
    return None if room_id is None else (room_id, False)


def _direct_before(draft: Room) -> tuple[UUID, bool] | None:
    room_id = Room.objects.filter(direct_key=draft.direct_key).values_list("pk", flat=True).first()
    return None if room_id is None else (room_id, False)


def join_room(*, session: Session, room_id: UUID) -> dict[str, Any]:
    """Enter a public room. The first to enter a room owns it if none of its owners can log in.

    A member whom somebody else added accepts by this: the room counts as one of the member's own. Nothing else happens
    to a member. Raises Problem not_found, room.archived or room.limit.
    """
    find_or_make(partial(_find_own_membership, session.user.id, room_id), partial(_join, session, room_id))
    return get_room(user_id=session.user.id, room_id=room_id)


def _find_own_membership(user_id: UUID, room_id: UUID) -> bool | None:
    """Return True if joining changes nothing, else None."""
    own = Member.objects.joined().filter(user=user_id, room=room_id, put_by_other=False, room__archived_at=None)
    return True if own.exists() else None


def _join(session: Session, room_id: UUID) -> bool:
    user = session.user
    with record_events(rooms=[room_id], inboxes=[user.id], session=session, lock_timeout_ms=LOOK_AGAIN_MS) as log:
        room = Room.objects.visible_to(user.id).filter(pk=room_id).first()
        if room is None:
            raise Problem("not_found", "There is no such room.")
        if room.is_archived:
            raise Problem("room.archived", "The room is archived.")
        if room.members.filter(state=State.JOINED, user=user).exists():
            transitions.make_own([(room_id, user.id)])
        else:
            transitions.refuse_full(user.id)
            owned = room.members.filter(state=State.JOINED, role=Role.OWNER, user__is_active=True).exists()
            transitions.begin(log, room, user, Role.MEMBER if owned else Role.OWNER, user.id)
    return True


def update_room_me(*, session: Session, room_id: UUID, hidden: bool | None = None) -> dict[str, Any]:
    """Change what a room is to me; the Room's `me`. Hidden means: until a message comes after the room's head of now.

    Hiding a direct room, which cannot be left, also gives its place among the user's own rooms back. Raises Problem
    not_found or room.not_member.
    """
    user_id = session.user.id
    with record_events(inboxes=[user_id], session=session) as log:
        member, head, _ = find_reader(user_id, room_id)
        mine = Member.objects.filter(pk=member.pk)
        if hidden is not None and hidden != mine.with_hidden().get().is_hidden:
            mine.update(
                hidden_seq=head if hidden else None,
                put_by_other=member.put_by_other or (hidden and member.room.kind == Kind.DIRECT),
            )
            data = {"room_id": room_id, "hidden": hidden, "head": head}
            log.append(user_id, "room.preferred", user_id, data)
    me: dict[str, Any] = get_room(user_id=user_id, room_id=room_id)["me"]
    return me
