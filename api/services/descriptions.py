"""Rooms as one viewer sees them, one or many, in a number of queries that does not grow with the rooms."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Case, F, OuterRef, Q, QuerySet, Subquery, UUIDField, Value, When
from django.db.models.functions import Coalesce

from api.models import Interval, Member, Message, Room
from api.models.members import FOR_EVER, State
from api.models.rooms import History
from api.serializers.rooms import render_room
from api.services.reads import unread_counts
from wire.pagination import first_page, paginate
from wire.prepared import LIMITS_KEPT, Prepared, list_param, param
from wire.problems import Problem

_NEWEST_FIRST = ("-last_event_at", "-id")
_UNSEEN = ("created_by", "client_id", "digest", "direct_key")  # nobody is shown these, and a UUID is slow to make


def get_room(*, user_id: UUID, room_id: UUID) -> dict[str, Any]:
    """The Room as the user sees it now. Raises Problem not_found."""
    room = describe_rooms(user_id, [room_id]).get(room_id)
    if room is None:
        raise Problem("not_found", "There is no such room.")
    return room


def list_rooms(*, user_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of the user's rooms, the newest activity first."""
    if cursor is None:  # what every app asks for first
        page = first_page(_prepare_newest(limit + 1)(user_id=user_id), order=_NEWEST_FIRST, limit=limit)
    else:
        page = paginate(_mine(user_id), order=_NEWEST_FIRST, cursor=cursor, limit=limit)
    return page.as_dict(lambda rows: _describe(user_id, rows))


def _mine(user_id: UUID) -> QuerySet[Room]:
    return Room.objects.joined_by(user_id).with_heads().defer(*_UNSEEN)


@lru_cache(LIMITS_KEPT)
def _prepare_newest(count: int) -> Prepared[Room]:
    return Prepared(lambda: _mine(param("user_id", UUIDField())).order_by(*_NEWEST_FIRST)[:count])


def list_directory(*, user_id: UUID, q: str = "", cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of the public rooms that can be joined, by name; name or slug holds each word of `q`."""
    rooms = Room.objects.matching(q).filter(archived_at=None).with_heads().defer(*_UNSEEN)
    page = paginate(rooms, order=["name", "id"], cursor=cursor, limit=limit)
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
    return [
        render_room(
            room,
            members.get(room.id),
            unread=unread.get(room.id, (0, False)),
            last_message=last.get(room.id),
        )
        for room in rooms
    ]


_find_members = Prepared(
    lambda: Member.objects.filter(
        user_id=param("user_id", UUIDField()), room_id__in=list_param("room_ids", UUIDField())
    ).only("room", "state", "role", "read_seq")
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
