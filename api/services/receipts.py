"""Delivery markers, which devices acknowledge, and the receipts of a message.

A marker is not in the log. Acknowledgements are held in memory and written once a second, so those of the last second
before a crash are lost; the next acknowledgement of the device covers them.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from api.models import Delivery, Member, Message, Room, UserSettings
from api.models.choices import Receipts, State
from api.services.members.access import find_member
from eventlog.models import StreamHead
from eventlog.transaction import EventTransaction, record_events
from wire.problems import Problem
from wire.row_tables import as_uuid, rows_as_table

MAX_WAITING = 100_000  # markers, some 30 MB; more are dropped, and the devices acknowledge again
BATCH = 1_000  # markers of one transaction

Key = tuple[UUID, UUID]  # a room and a user

_lock = Lock()
_waiting: dict[Key, int] = {}


def acknowledge(*, user_id: UUID, rooms: Mapping[UUID, int]) -> None:
    """Note how far one of the user's devices has each room. It takes no query."""
    _keep({(room_id, user_id): seq for room_id, seq in rooms.items()})


def has_waiting() -> bool:
    """Return whether `write_markers` has something to write."""
    return bool(_waiting)


def write_markers() -> None:
    """Write the markers that were acknowledged: forward only, up to the head, and of members alone.

    Other members of a room without counts get `delivered.updated`. Raises django.db.Error, and keeps the markers then.
    """
    global _waiting
    with _lock:
        taken, _waiting = _waiting, {}
    # By key, as every process writes them: two transactions never wait for each other.
    rows = sorted(taken.items())
    while rows:
        try:
            with record_events() as log:
                _write(log, dict(rows[:BATCH]))
        except BaseException:
            _keep(dict(rows))
            raise
        rows = rows[BATCH:]


def _keep(markers: Mapping[Key, int]) -> None:
    with _lock:
        for key, seq in markers.items():
            if seq > _waiting.get(key, 0 if len(_waiting) < MAX_WAITING else seq):
                _waiting[key] = seq


_MEMBER, _HEAD, _ROOM = Member._meta.db_table, StreamHead._meta.db_table, Room._meta.db_table
_DELIVERY, _SETTINGS = Delivery._meta.db_table, UserSettings._meta.db_table
# Each subquery fits one index alone: see api.services.messages.send.
_MOVED = f"""
SELECT acked.room_id, acked.user_id, acked.seq, head.last_seq, room.is_large,
       COALESCE((SELECT share_read FROM {_SETTINGS} settings WHERE settings.user_id = acked.user_id), true)
FROM {{acked}} JOIN {_HEAD} head ON head.stream = acked.room_id JOIN {_ROOM} room ON room.id = acked.room_id
WHERE (SELECT 1 FROM {_MEMBER} member WHERE member.room_id = acked.room_id AND member.user_id = acked.user_id
       AND member.state = '{State.JOINED}') IS NOT NULL
AND CASE WHEN acked.seq < head.last_seq THEN acked.seq ELSE head.last_seq END >
    COALESCE((SELECT seq FROM {_DELIVERY} known
              WHERE known.room_id = acked.room_id AND known.user_id = acked.user_id), 0)
ORDER BY acked.room_id, acked.user_id"""

_UPSERT = f"""INSERT INTO {_DELIVERY} (room_id, user_id, seq)
              SELECT room_id, user_id, seq FROM {{moved}} WHERE true ORDER BY room_id, user_id
              ON CONFLICT (room_id, user_id) DO UPDATE SET seq = excluded.seq WHERE {_DELIVERY}.seq < excluded.seq"""


def _write(log: EventTransaction, markers: Mapping[Key, int]) -> None:
    acked, parameters = rows_as_table(
        "acked",
        room_id=("uuid", [room_id for room_id, _ in markers]),
        user_id=("uuid", [user_id for _, user_id in markers]),
        seq=("bigint", list(markers.values())),
    )
    with connection.cursor() as cursor:
        cursor.execute(_MOVED.format(acked=acked), parameters)
        found = cursor.fetchall()
    if not found:
        return
    moved = [(as_uuid(room), as_uuid(user), min(seq, head), head, *rest) for room, user, seq, head, *rest in found]
    rows, parameters = rows_as_table(
        "moved",
        room_id=("uuid", [room_id for room_id, *_ in moved]),
        user_id=("uuid", [user_id for _, user_id, *_ in moved]),
        seq=("bigint", [seq for _, _, seq, *_ in moved]),
    )
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(moved=rows), parameters)
    for room_id, user_id, seq, head, is_large, shares in moved:
        if shares and not is_large:
            data = {"room_id": room_id, "user_id": user_id, "delivered_seq": seq}
            log.emit_ephemeral(room_id, "delivered.updated", user_id, data, min_seq=head)


def get_receipts(*, user_id: UUID, room_id: UUID, message_id: UUID) -> dict[str, Any]:
    """Return whom a message has reached, and who has read it, in one query after the membership and the message.

    Raises Problem not_found or room.not_member.
    """
    member = find_member(user_id, room_id)
    found = Message.objects.visible_to(member).filter(pk=message_id).values_list("seq", "sender_id").first()
    if found is None:
        raise Problem("not_found", "There is no such message.")
    seq, sender_id = found
    # A later joiner's marker begins at the join, above messages that they may never have seen.
    others = Member.objects.joined().filter(room=room_id, joined_seq__lte=seq).exclude(user=sender_id)
    others = others.with_markers().filter(Q(shares_read=True))
    is_read = Q(read_seq__gte=seq)
    is_delivered = is_read | Q(delivered_seq__gte=seq)
    if member.room.is_large:
        counts = others.aggregate(read=Count("pk", filter=is_read), delivered=Count("pk", filter=is_delivered))
        return _render(Receipts.COUNTS, [], [], counts["read"], counts["delivered"])
    rows = list(others.filter(is_delivered).order_by("user_id").values_list("user_id", "read_seq"))
    delivered, read = [user for user, _ in rows], [user for user, read_seq in rows if read_seq >= seq]
    return _render(Receipts.MEMBERS, read, delivered, len(read), len(delivered))


def _render(
    mode: Receipts, read: list[UUID], delivered: list[UUID], read_count: int, delivered_count: int
) -> dict[str, Any]:
    counts = {"read_count": read_count, "delivered_count": delivered_count}
    return {"mode": mode, "read": read, "delivered": delivered, **counts}
