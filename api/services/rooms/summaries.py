"""Rooms as one viewer sees them, one or many, in a number of queries that does not grow with the rooms."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import (
    BigIntegerField,
    F,
    QuerySet,
    RowRange,
    Sum,
    TextField,
    UUIDField,
    Window,
)
from django.db.models.functions import Cast, Coalesce, Greatest

from api.models import Member, Room
from api.models.members import FOR_EVER, State
from api.models.rooms import History, Kind
from api.serializers.messages import Author
from api.serializers.rooms import Peer, render_room
from api.services.reads import unread_counts
from wire.budget import ANSWER_BYTES, UNBOUNDED, StoredSize, sql_of_bytes, sql_of_size
from wire.compiled_query import LIMITS_KEPT, CompiledQuery, list_param, param
from wire.moving import first_moving_page, paginate_moving
from wire.pagination import first_page
from wire.problems import Problem
from wire.row_tables import as_uuid, rows_as_table

Described = dict[UUID, dict[str, Any] | None]

_NEWEST_FIRST = ("-active_at", "-id")
# No client sees these, and a UUID is slow to make.
_UNSEEN = ("created_by", "client_id", "digest", "direct_key", "former_slug")


def get_room(*, user_id: UUID, room_id: UUID) -> dict[str, Any]:
    """The Room as the user sees it now. Raises Problem not_found."""
    room = describe_rooms(user_id, [room_id]).get(room_id)  # the first always comes
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
        page = first_moving_page(first_page(newest, order=order, limit=limit), order=order, moved_at=moved_at)
    else:
        page = paginate_moving(
            _mine(user_id, archived, hidden), order=order, moved_at=moved_at, cursor=cursor, limit=limit
        )
    return page.as_dict_within(ANSWER_BYTES, lambda rows: _describe(user_id, rows, ANSWER_BYTES))


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
def _prepare_newest(count: int, archived: bool, hidden: bool) -> CompiledQuery[Room]:
    return CompiledQuery(
        lambda: _mine(param("user_id", UUIDField()), archived, hidden).order_by(*_NEWEST_FIRST)[:count]
    )


def list_directory(*, user_id: UUID, q: str = "", cursor: str | None = None, limit: int) -> dict[str, Any]:
    """A page of the public rooms that can be joined, by name; name or slug holds each word of `q`.

    Rooms that were renamed since the first page come once more on the last one.
    """
    rooms = Room.objects.matching(q).filter(archived_at=None).with_heads().defer(*_UNSEEN)
    page = paginate_moving(rooms, order=["name", "id"], moved_at="renamed_at", cursor=cursor, limit=limit)
    return page.as_dict_within(ANSWER_BYTES, lambda rows: _describe(user_id, rows, ANSWER_BYTES))


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


_find_visible = CompiledQuery(_visible)


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
    direct = [room.id for room in rooms if room.kind == Kind.DIRECT]
    peers = _peers(user_id, direct) if direct else {}
    fit = takewhile(lambda room: last.get(room.id, b"") is not None, rooms)
    return [
        render_room(
            room,
            members.get(room.id),
            unread=unread.get(room.id, (0, False)),
            last_message=last.get(room.id),
            peer=peers.get(room.id),
        )
        for room in fit
    ]


_find_members = CompiledQuery(
    lambda: (
        Member.objects.filter(user_id=param("user_id", UUIDField()), room_id__in=list_param("room_ids", UUIDField()))
        .with_hidden()
        .only("room", "state", "role", "read_seq")
    )
)


def _peers(user_id: UUID, room_ids: Sequence[UUID]) -> dict[UUID, Peer]:
    """The other member of each of these direct rooms."""
    found = _find_peers(user_id=user_id, room_ids=room_ids)
    return {room_id: Peer(Author._make(author), deleted_at is not None) for room_id, deleted_at, *author in found}


_find_peers = CompiledQuery(
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


def _last_messages(user_id: UUID, room_ids: Sequence[UUID], max_bytes: int) -> dict[UUID, bytes | None]:
    """The newest message of each room that the history rule shows the member: two steps in an index for each stay.

    None from where the messages of the rooms before hold `max_bytes`; a room without a message is absent.
    """
    count = len(room_ids)
    wanted, parameters = rows_as_table(
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
