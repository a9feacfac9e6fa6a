"""Rooms as one viewer sees them, one or many, in a number of queries that does not grow with the rooms."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, F, Q, QuerySet, RowRange, Sum, TextField, UUIDField, Window
from django.db.models.functions import Cast

from api.models import Member, Room
from api.models.members import FOR_EVER, State
from api.models.rooms import History, Kind
from api.models.values import as_table, as_uuid
from api.serializers.rooms import render_room
from api.services.reads import unread_counts
from wire.budget import ANSWER_BYTES, UNBOUNDED, StoredSize, sql_of_bytes, sql_of_size
from wire.pagination import first_page, paginate
from wire.prepared import LIMITS_KEPT, Prepared, list_param, param
from wire.problems import Problem

Described = dict[UUID, dict[str, Any] | None]

_NEWEST_FIRST = ("-last_event_at", "-id")
_UNSEEN = ("created_by", "client_id", "digest", "direct_key")  # nobody is shown these, and a UUID is slow to make


def get_room(*, user_id: UUID, room_id: UUID) -> dict[str, Any]:
    """The Room as the user sees it now. Raises Problem not_found."""
    room = describe_rooms(user_id, [room_id]).get(room_id)  # the first always comes
    if room is None:
        raise Problem("not_found", "There is no such room.")
    return room


def list_rooms(*, user_id: UUID, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of the user's rooms, the newest activity first."""
    if cursor is None:  # what every app asks for first
        page = first_page(_prepare_newest(limit + 1)(user_id=user_id), order=_NEWEST_FIRST, limit=limit)
    else:
        page = paginate(_mine(user_id), order=_NEWEST_FIRST, cursor=cursor, limit=limit)
    return page.within(ANSWER_BYTES, lambda rows: _describe(user_id, rows, ANSWER_BYTES))


def _mine(user_id: UUID) -> QuerySet[Room]:
    return Room.objects.joined_by(user_id).with_heads().defer(*_UNSEEN)


@lru_cache(LIMITS_KEPT)
def _prepare_newest(count: int) -> Prepared[Room]:
    return Prepared(lambda: _mine(param("user_id", UUIDField())).order_by(*_NEWEST_FIRST)[:count])


def list_directory(*, user_id: UUID, q: str = "", cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of the public rooms that can be joined, by name; `q` is part of the name or the slug."""
    rooms = Room.objects.filter(kind=Kind.PUBLIC, archived_at=None).with_heads().defer(*_UNSEEN)
    if q:
        rooms = rooms.filter(Q(name__icontains=q) | Q(slug__icontains=q))
    page = paginate(rooms, order=["name", "id"], cursor=cursor, limit=limit)
    return page.within(ANSWER_BYTES, lambda rows: _describe(user_id, rows, ANSWER_BYTES))


def describe_rooms(user_id: UUID, room_ids: Sequence[UUID], max_bytes: int = UNBOUNDED) -> Described:
    """The Room of each of these that the user may see; the others are absent. The ids are in descending order.

    About `max_bytes` are read, and one Room always. From the first on that is beyond them each room is None.
    """
    if not room_ids:
        return {}
    found = {room.id: room for room in _find_visible(user_id=user_id, room_ids=room_ids, budget=max_bytes)}
    rooms = [found[room_id] for room_id in room_ids if room_id in found]
    described = _describe(user_id, rooms, max_bytes)
    told: Described = {room.id: each for room, each in zip(rooms, described, strict=False)}
    # What comes after the last one that was read may be beyond the bytes or not theirs to see: a look from there on
    # decides.
    beyond = room_ids[room_ids.index(rooms[len(told) - 1].id) + 1 :] if told else ()
    return {**told, **dict.fromkeys(beyond)}


def _visible() -> QuerySet[Room]:
    size = StoredSize(F("topic")) + StoredSize(Cast("metadata", TextField()))
    so_far = Window(Sum(size, output_field=BigIntegerField()), order_by="-id", frame=RowRange(None, 0))
    return (
        Room.objects.visible_to(param("user_id", UUIDField()))
        .filter(pk__in=list_param("room_ids", UUIDField()))
        .annotate(before=so_far - size)
        .filter(before__lt=param("budget", BigIntegerField()))
        .with_heads()
        .defer(*_UNSEEN)
    )


_find_visible = Prepared(_visible)


def _describe(user_id: UUID, rooms: Sequence[Room], max_bytes: int) -> list[dict[str, Any]]:
    """The Room of each, without the last of them if the messages in them are more than `max_bytes`."""
    if not rooms:
        return []
    # The rooms come with their heads. What is read after them may be newer than a head says; applying the events after
    # that head again changes nothing, while something older than the head would stay wrong.
    mine = _find_members(user_id=user_id, room_ids=[room.id for room in rooms])
    members = {member.room_id: member for member in mine}
    joined = [room.id for room in rooms if room.id in members and members[room.id].state == State.JOINED]
    unread = unread_counts(user_id, joined) if joined else {}
    last = _last_messages(user_id, joined, max_bytes) if joined else {}
    fit = takewhile(lambda room: last.get(room.id, b"") is not None, rooms)
    return [
        render_room(
            room,
            members.get(room.id),
            unread=unread.get(room.id, (0, False)),
            last_message=last.get(room.id),
        )
        for room in fit
    ]


_find_members = Prepared(
    lambda: Member.objects.filter(
        user_id=param("user_id", UUIDField()), room_id__in=list_param("room_ids", UUIDField())
    ).only("room", "state", "role", "read_seq")
)


def _last_messages(user_id: UUID, room_ids: Sequence[UUID], max_bytes: int) -> dict[UUID, bytes | None]:
    """The newest message of each room that the history rule shows the member: two steps in an index for each stay.

    None from where the messages of the rooms before hold `max_bytes`; a room without a message is absent.
    """
    count = len(room_ids)
    wanted, parameters = as_table(
        "wanted",
        turn=("bigint", range(count)),
        room=("uuid", room_ids),
        member=("uuid", [user_id] * count),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _LAST.format(wanted=wanted, data=sql_of_bytes("data"), size=sql_of_size("message.data")),
            [max_bytes, FOR_EVER, History.SHARED, *parameters, History.SHARED],
        )
        return {as_uuid(room_id): data for room_id, data in cursor.fetchall()}


# Stays follow one another, so a later stay's newest message is the newer one.
_LAST = """
SELECT room_id, CASE WHEN so_far - size < %s THEN {data} END FROM (
    SELECT turn, joined_seq, room_id, data, size, SUM(size) OVER (ORDER BY turn, joined_seq) AS so_far FROM (
        SELECT turn, joined_seq, stay.room_id, data, {size} AS size FROM (
            SELECT turn, joined_seq, stayed.room_id, (
                SELECT MAX(seq) FROM api_message seen
                WHERE seen.room_id = stayed.room_id AND seq <= COALESCE(left_seq, %s)
                    AND seq >= CASE WHEN history = %s THEN 0 ELSE joined_seq END
            ) AS last_seq
            FROM {wanted}
            JOIN api_interval stayed ON stayed.room_id = wanted.room AND stayed.user_id = wanted.member
            JOIN api_room room ON room.id = stayed.room_id
            WHERE left_seq IS NULL OR history <> %s
        ) AS stay JOIN api_message message ON message.room_id = stay.room_id AND message.seq = stay.last_seq
    ) AS sized
) AS counted ORDER BY turn, joined_seq"""
