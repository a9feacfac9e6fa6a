"""Rooms as one viewer sees them, one or many, in a number of queries that does not grow with the rooms."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Case, F, OuterRef, Q, QuerySet, Subquery, UUIDField, Value, When
from django.db.models.functions import Coalesce, Greatest

from api.models import Interval, Member, Message, Room
from api.models.members import FOR_EVER, State
from api.models.rooms import History, Kind
from api.serializers.messages import Author
from api.serializers.rooms import Peer, render_room
from api.services.reads import unread_counts
from wire.moving import begin, paginate_moving
from wire.pagination import first_page
from wire.prepared import LIMITS_KEPT, Prepared, list_param, param
from wire.problems import Problem

_NEWEST_FIRST = ("-active_at", "-id")
# No client sees these, and a UUID is slow to make.
_UNSEEN = ("created_by", "client_id", "digest", "direct_key", "former_slug")


def get_room(*, user_id: UUID, room_id: UUID) -> dict[str, Any]:
    """The Room as the user sees it now. Raises Problem not_found."""
    room = describe_rooms(user_id, [room_id]).get(room_id)
    if room is None:
        raise Problem("not_found", "There is no such room.")
    return room


def list_rooms(
    *, user_id: UUID, archived: bool = False, hidden: bool = False, cursor: str | None = None, limit: int
) -> dict[str, Any]:
    """A page of the user's rooms, the newest activity first: the newest message, or the creation before the first.

    Rooms that have a new message, or that the user has joined, since the first page come once more on the last one.
    Archived and hidden rooms come only when they are asked for, and then alone.
    """
    order, moved_at = _NEWEST_FIRST, "moved_at"
    if cursor is None:  # what every app asks for first
        newest = _prepare_newest(limit + 1, archived, hidden)(user_id=user_id)
        page = begin(first_page(newest, order=order, limit=limit), order=order, moved_at=moved_at)
    else:
        page = paginate_moving(
            _mine(user_id, archived, hidden), order=order, moved_at=moved_at, cursor=cursor, limit=limit
        )
    return page.as_dict(lambda rows: _describe(user_id, rows))


def _mine(user_id: UUID, archived: bool, hidden: bool) -> QuerySet[Room]:
    rooms = Room.objects.joined_by(user_id)
    hidden_ids = Member.objects.hidden_by(user_id).values("room")
    if hidden:
        # A direct room in which nothing was written is nothing that the user hid.
        rooms = rooms.filter(pk__in=hidden_ids.filter(hidden_seq__gt=0))
    elif not archived:
        rooms = rooms.exclude(pk__in=hidden_ids)
    if archived or not hidden:
        rooms = rooms.filter(archived_at__isnull=not archived)
    rooms = rooms.with_heads().defer(*_UNSEEN)
    rooms = rooms.annotate(active_at=Coalesce("last_message_at", "created_at"))
    return rooms.annotate(moved_at=Greatest("active_at", "members__joined_at"))


@lru_cache(LIMITS_KEPT)
def _prepare_newest(count: int, archived: bool, hidden: bool) -> Prepared[Room]:
    return Prepared(lambda: _mine(param("user_id", UUIDField()), archived, hidden).order_by(*_NEWEST_FIRST)[:count])


def list_directory(*, user_id: UUID, q: str = "", cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of the public rooms that can be joined, by name; name or slug holds each word of `q`.

    Rooms that were renamed since the first page come once more on the last one.
    """
    rooms = Room.objects.matching(q).filter(archived_at=None).with_heads().defer(*_UNSEEN)
    page = paginate_moving(rooms, order=["name", "id"], moved_at="renamed_at", cursor=cursor, limit=limit)
    return page.as_dict(lambda rows: _describe(user_id, rows))


def describe_rooms(user_id: UUID, room_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The Room of each of these that the user may see; the others are absent."""
    rooms = _find_visible(user_id=user_id, room_ids=room_ids) if room_ids else []
    return {room.id: described for room, described in zip(rooms, _describe(user_id, rooms), strict=True)}


_find_visible = Prepared(
    lambda: (
        Room.objects.visible_to(param("user_id", UUIDField()))
        .filter(pk__in=list_param("room_ids", UUIDField()))
        .with_heads()
        .defer(*_UNSEEN)
    )
)


def _describe(user_id: UUID, rooms: Sequence[Room]) -> list[dict[str, Any]]:
    if not rooms:
        return []
    # The rooms come with their heads. What is read after them may be newer than a head says; applying the events after
    # that head again changes nothing, while something older than the head would stay wrong.
    mine = _find_members(user_id=user_id, room_ids=[room.id for room in rooms])
    members = {member.room_id: member for member in mine}
    joined = [room_id for room_id, member in members.items() if member.state == State.JOINED]
    unread = unread_counts(user_id, joined) if joined else {}
    last = _last_messages(user_id, joined) if joined else {}
    direct = [room.id for room in rooms if room.kind == Kind.DIRECT]
    peers = _peers(user_id, direct) if direct else {}
    return [
        render_room(
            room,
            members.get(room.id),
            unread=unread.get(room.id, (0, False)),
            last_message=last.get(room.id),
            peer=peers.get(room.id),
        )
        for room in rooms
    ]


_find_members = Prepared(
    lambda: (
        Member.objects.filter(user_id=param("user_id", UUIDField()), room_id__in=list_param("room_ids", UUIDField()))
        .with_hidden()
        .only("room", "state", "role", "read_seq")
    )
)


def _peers(user_id: UUID, room_ids: Collection[UUID]) -> dict[UUID, Peer]:
    """The other member of each of these direct rooms."""
    found = _find_peers(user_id=user_id, room_ids=room_ids)
    return {room_id: Peer(Author._make(author), deleted_at is not None) for room_id, deleted_at, *author in found}


_find_peers = Prepared(
    lambda: (
        Member.objects.filter(room_id__in=list_param("room_ids", UUIDField()))
        .exclude(user_id=param("user_id", UUIDField()))
        .values_list(
            "room_id",
            "user__deleted_at",
            "user_id",
            "user__username",
            "user__display_name",
            "user__avatar_url",
        )
    )
)


def _last_messages(user_id: UUID, room_ids: Collection[UUID]) -> dict[UUID, str]:
    """The newest message of each room that the history rule shows the member: one step in an index for each stay."""
    # Stays follow one another, so a later stay's newest message is the newer one.
    told = _find_last(user_id=user_id, room_ids=room_ids)
    return {room_id: data for room_id, data in told if data is not None}


def _last_of_stays() -> QuerySet[Interval, tuple[UUID, str | None]]:
    is_shared = Q(room__history=History.SHARED)
    stays = Interval.objects.filter(
        Q(left_seq=None) | ~is_shared,
        user_id=param("user_id", UUIDField()),
        room_id__in=list_param("room_ids", UUIDField()),
    ).annotate(
        first=Case(When(is_shared, then=Value(0)), default=F("joined_seq"), output_field=BigIntegerField()),
        last=Coalesce("left_seq", Value(FOR_EVER), output_field=BigIntegerField()),
    )
    newest = Message.objects.filter(
        room_id=OuterRef("room_id"), seq__gte=OuterRef("first"), seq__lte=OuterRef("last")
    ).order_by("-seq")
    return stays.order_by("joined_seq").values_list("room_id", Subquery(newest.values("data")[:1]))


_find_last = Prepared(_last_of_stays)
