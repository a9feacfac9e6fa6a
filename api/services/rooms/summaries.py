"""Room summaries: the Rooms of one viewer, in a number of queries that does not grow with the rooms."""

from collections.abc import Collection, Sequence
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
    Value,
    Window,
)
from django.db.models.functions import Cast, Coalesce, Greatest

from api.models import Ban, Block, BlockList, Invite, Member, MembershipPeriod, Message, Room
from api.models.choices import INVITED, History, Kind, State
from api.seq_ranges import FOR_EVER
from api.serializers.authors import Author
from api.serializers.message_shape import render_stored
from api.serializers.rooms import Peer, render_room
from api.serializers.stubs import hide_message
from api.services.reads import Unread, count_unread
from wire.budget import ANSWER_BYTES, UNBOUNDED, StoredSize, sql_of_bytes, sql_of_size
from wire.compiled_query import LIMITS_KEPT, CompiledQuery, list_param, param
from wire.moving import first_moving_page, paginate_moving
from wire.pagination import first_page
from wire.problems import Problem
from wire.row_tables import as_uuid, rows_as_table

Summaries = dict[UUID, dict[str, Any] | None]

_NEWEST_FIRST = ("-active_at", "-id")
# Columns that no Room contains; Django is slow to convert UUIDs.
PRIVATE_FIELDS = ("created_by", "client_id", "digest", "direct_key", "former_slug")


def get_room(*, user_id: UUID, room_id: UUID) -> dict[str, Any]:
    """Return the Room as the user sees it now. Raises Problem not_found."""
    room = summarize_rooms(user_id, [room_id]).get(room_id)  # the first room is always read
    if room is None:
        raise Problem("not_found", "There is no such room.")
    return room


def list_rooms(
    *, user_id: UUID, archived: bool = False, hidden: bool = False, cursor: str | None = None, limit: int
) -> dict[str, Any]:
    """Return a page of the user's rooms, by the time of the newest message or, before the first, of the creation.

    Rooms that got a message or that the user joined since the first page come once more on the last page. Archived and
    hidden rooms have lists of their own.
    """
    order, moved_at = _NEWEST_FIRST, "moved_at"
    if cursor is None:  # the request with which every app begins
        newest = _prepare_newest(limit + 1, archived, hidden)(user_id=user_id)
        page = first_moving_page(first_page(newest, order=order, limit=limit), order=order, moved_at=moved_at)
    else:
        page = paginate_moving(
            _find_rooms(user_id, archived, hidden), order=order, moved_at=moved_at, cursor=cursor, limit=limit
        )
    return page.as_dict_within(ANSWER_BYTES, lambda rows: summarize(user_id, rows, ANSWER_BYTES))


def _find_rooms(user_id: UUID, archived: bool, hidden: bool) -> QuerySet[Room]:
    rooms = Room.objects.joined_by(user_id)
    hidden_ids = Member.objects.hidden_by(user_id).values("room")
    if hidden:
        # A direct room without messages is hidden too, but not by the user.
        rooms = rooms.filter(pk__in=hidden_ids.filter(hidden_seq__gt=0))
    elif not archived:
        rooms = rooms.exclude(pk__in=hidden_ids)
    if archived or not hidden:
        rooms = rooms.filter(archived_at__isnull=not archived)
    rooms = rooms.with_heads().defer(*PRIVATE_FIELDS)
    rooms = rooms.annotate(active_at=Coalesce("last_message_at", "created_at"))
    return rooms.annotate(moved_at=Greatest("active_at", "members__joined_at"))


@lru_cache(LIMITS_KEPT)
def _prepare_newest(count: int, archived: bool, hidden: bool) -> CompiledQuery[Room]:
    return CompiledQuery(
        lambda: _find_rooms(param("user_id", UUIDField()), archived, hidden).order_by(*_NEWEST_FIRST)[:count]
    )


def summarize_rooms(user_id: UUID, room_ids: Sequence[UUID], max_bytes: int = UNBOUNDED) -> Summaries:
    """Return the Rooms that the user may see, by id; the others are absent. The ids are in descending order.

    Reads about `max_bytes`, and at least one Room. The rooms beyond the bytes are None.
    """
    if not room_ids:
        return {}
    found = {room.id: room for room in _find_visible(user_id=user_id, room_ids=room_ids, budget=max_bytes)}
    rooms = [found[room_id] for room_id in room_ids if room_id in found]
    rendered = summarize(user_id, rooms, max_bytes)
    summaries: Summaries = {room.id: summary for room, summary in zip(rooms, rendered, strict=False)}
    # A room behind the last one that was read is beyond the bytes or not visible: another call, from it on, decides.
    not_read = room_ids[room_ids.index(rooms[len(summaries) - 1].id) + 1 :] if summaries else ()
    return {**summaries, **dict.fromkeys(not_read)}


def _visible() -> QuerySet[Room]:
    size = StoredSize(F("topic")) + StoredSize(Cast("metadata", TextField()))
    so_far = Window(Sum(size, output_field=BigIntegerField()), order_by="-id", frame=RowRange(None, 0))
    return (
        Room.objects.visible_to(param("user_id", UUIDField()))
        .filter(pk__any_of=list_param("room_ids", UUIDField()))
        .annotate(before=so_far - size)
        .filter(before__lt=param("budget", BigIntegerField()))
        .with_heads()
        .defer(*PRIVATE_FIELDS)
    )


_find_visible = CompiledQuery(_visible)


def summarize(user_id: UUID, rooms: Sequence[Room], max_bytes: int) -> list[dict[str, Any]]:
    """Render each room for the user, leaving out the last rooms if their last messages exceed `max_bytes`."""
    if not rooms:
        return []
    # The rooms come with their heads. Later reads may be newer than a head: applying the events after that head again
    # changes nothing, except for the unread counts, which are bounded by it. A read older than the head stays wrong.
    memberships = _find_memberships(user_id=user_id, room_ids=[room.id for room in rooms])
    members = {member.room_id: member for member in memberships}
    joined = [room.id for room in rooms if room.id in members and members[room.id].state == State.JOINED]
    outside = _find_states(user_id, {room.id for room in rooms}.difference(joined))
    heads = {room.id: room.head for room in rooms}
    unread = count_unread(user_id, {room_id: heads[room_id] for room_id in joined}) if joined else {}
    last = _last_messages(user_id, joined, max_bytes) if joined else {}
    direct = [room.id for room in rooms if room.kind == Kind.DIRECT]
    peers = _find_peers(user_id, direct) if direct else {}
    has_blocks = any(vars(member)["has_blocks"] for member in memberships)
    blocked = Block.objects.blocked_by(user_id) if has_blocks else frozenset()
    for room in rooms:
        if (message := last.get(room.id)) is not None:
            last[room.id] = hide_message(render_stored(room, message), blocked)
    fit = takewhile(lambda room: last.get(room.id, b"") is not None, rooms)
    return [
        render_room(
            room,
            members.get(room.id),
            unread=unread.get(room.id, Unread()),
            last_message=last.get(room.id),
            peer=peers.get(room.id),
            outside=outside.get(room.id),
        )
        for room in fit
    ]


def _find_states(user_id: UUID, room_ids: Collection[UUID]) -> dict[UUID, str]:
    """Find those of these rooms to which the user is invited, or from which they are banned."""
    if not room_ids:
        return {}
    here = {"user": user_id, "room__in": room_ids}
    invited = Invite.objects.open().filter(**here).values_list("room", Value(INVITED))
    banned = Ban.objects.in_force().filter(**here).values_list("room", Value(State.BANNED.value))
    return dict(invited.union(banned))


_find_memberships = CompiledQuery(
    lambda: (
        Member.objects.filter(
            user_id=param("user_id", UUIDField()), room_id__any_of=list_param("room_ids", UUIDField())
        )
        .with_hidden()
        .annotate(has_blocks=BlockList.is_used_by(param("user_id", UUIDField())))
        .only("room", "state", "role", "read_seq", "notify", "snoozed_until", "pinned", "muted_until")
    )
)


def _find_peers(user_id: UUID, room_ids: Sequence[UUID]) -> dict[UUID, Peer]:
    """Find the other member of each of these direct rooms."""
    rows = _other_members(user_id=user_id, room_ids=room_ids)
    return {room_id: Peer(Author._make(author), deleted_at is not None) for room_id, deleted_at, *author in rows}


_other_members = CompiledQuery(
    lambda: (
        Member.objects.filter(room_id__any_of=list_param("room_ids", UUIDField()))
        .exclude(user_id=param("user_id", UUIDField()))
        .values_list(
            "room_id",
            "user__deleted_at",
            "user_id",
            "user__username",
            "user__display_name",
            "user__avatar_url",
            "user__kind",
        )
    )
)


def _last_messages(user_id: UUID, room_ids: Sequence[UUID], max_bytes: int) -> dict[UUID, bytes | None]:
    """Return the newest message of each room that the history rule shows to the member.

    It takes two index look-ups for each membership period. A room is None if the messages of the rooms before it have
    `max_bytes`, and absent if it has no message.
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


# The periods of a member do not overlap, so the newest message of a later period is the newer one.
_LAST = f"""
SELECT room_id, CASE WHEN so_far - size < %s THEN {{data}} END FROM (
    SELECT turn, joined_seq, room_id, data, size, SUM(size) OVER (ORDER BY turn, joined_seq) AS so_far FROM (
        SELECT turn, joined_seq, period.room_id, data, {{size}} AS size FROM (
            SELECT turn, joined_seq, own_period.room_id, (
                SELECT MAX(seq) FROM {Message._meta.db_table} seen
                WHERE seen.room_id = own_period.room_id AND in_main_line AND seq <= COALESCE(left_seq, %s)
                    AND seq >= CASE WHEN history = %s THEN 0 ELSE joined_seq END
            ) AS last_seq
            FROM {{wanted}}
            JOIN {MembershipPeriod._meta.db_table} own_period
                ON own_period.room_id = wanted.room AND own_period.user_id = wanted.member
            JOIN {Room._meta.db_table} room ON room.id = own_period.room_id
            WHERE left_seq IS NULL OR history <> %s
        ) AS period
        JOIN {Message._meta.db_table} message ON message.room_id = period.room_id AND message.seq = period.last_seq
    ) AS sized
) AS counted ORDER BY turn, joined_seq"""
