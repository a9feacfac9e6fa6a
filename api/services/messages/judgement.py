"""The judgement of sends: one statement reads everything that decides about each."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.ended import ended_in_memory
from accounts.models import Session, User
from api.models import Block, Invite, Member, Message, Room
from api.models.choices import Kind, Role, State
from api.serializers.authors import Author
from eventlog.record_one import Execute
from wire.problems import Problem
from wire.row_tables import as_parameter, as_uuid, numbered, rows_as_table, values_table

MEMBER, MESSAGE, ROOM = Member._meta.db_table, Message._meta.db_table, Room._meta.db_table
BLOCK = Block._meta.db_table
SESSION, USER = Session._meta.db_table, User._meta.db_table
MAX_PLACE = 1_000_000  # above that of any write in a batch; the range is for the planner, see _JUDGE
Place = tuple[UUID, UUID]  # a room and a user


# What keeps the two of a direct room from writing.
PEER_DELETED, BLOCKED = 1, 2


def peer_bits(write: str) -> str:
    """Return a column with the bits PEER_DELETED and BLOCKED, 0 for other rooms than direct ones.

    `write` is the name of a table of writes, with a room_id and a user_id; its room is joined as `room`.
    """
    pair = f"({write}.user_id, peer.user_id)"
    return f"""CASE WHEN room.kind = '{Kind.DIRECT}' THEN COALESCE((
           SELECT CASE WHEN (SELECT gone.deleted_at FROM {USER} gone WHERE gone.id = peer.user_id) IS NOT NULL
                       THEN {PEER_DELETED} ELSE 0 END
                  + CASE WHEN EXISTS (SELECT 1 FROM {BLOCK} block WHERE block.user_id IN {pair}
                                      AND block.blocked_id IN {pair}) THEN {BLOCKED} ELSE 0 END
           FROM {MEMBER} peer WHERE peer.room_id = {write}.room_id AND peer.user_id <> {write}.user_id LIMIT 1), 0)
       ELSE 0 END"""


class WriteContext(Protocol):
    """The part of a judgement that every kind of write has."""

    @property
    def is_active(self) -> bool | None:
        """True if the account is active; None: the session has ended."""

    @property
    def is_archived(self) -> bool:
        """True if the room is archived."""

    @property
    def peer(self) -> int:
        """The bits PEER_DELETED and BLOCKED of a direct room; 0 in others."""


def check_session(session: Session, context: WriteContext) -> Problem | None:
    """Return the problem of a session that has ended or whose account is disabled, as require_live raises it."""
    if context.is_active is None or session.pk in ended_in_memory():
        return Problem("auth.invalid_token")
    return None if context.is_active else Problem("auth.account_disabled")


def check_open(context: WriteContext) -> Problem | None:
    """Return the problem of a room in which nothing can be written, as find_participant raises it."""
    if context.is_archived:
        return Problem("room.archived")
    if context.peer & PEER_DELETED:
        return Problem("room.peer_deleted")
    return Problem("user.blocked") if context.peer & BLOCKED else None


def find_invited(outside: Collection[Place]) -> Collection[Place]:
    """Find those of these rooms and users for which there is an open invitation."""
    rooms, users = {room for room, _ in outside}, {user for _, user in outside}
    return set(Invite.objects.open().filter(room__in=rooms, user__in=users).values_list("room", "user"))


class SendContext(NamedTuple):
    """The state of the log, the room and the account for a send, read under the lock of the room's head."""

    earlier: Message | None  # the message that an earlier send with this client_id created
    kind: str | None  # of the room; None: it does not exist
    history: str
    is_archived: bool
    posting: str
    slow_mode_seconds: int
    standing: int | None  # the bits PUT_BY_OTHER, MUTED and PLAIN_MEMBER; None: not a member
    peer: int  # PEER_DELETED and BLOCKED
    target_seq: int | None  # of the message replied to, if it is in this room
    is_active: bool | None  # the account; None: the session has ended
    author: Author

    def has(self, bit: int) -> bool:
        """Return whether the sender is a member whose standing has this bit."""
        return bool((self.standing or 0) & bit)


# The standing of a sender in the room.
PUT_BY_OTHER, MUTED, PLAIN_MEMBER = 1, 2, 4

# The columns of the table of sends.
_SEND = {
    "place": "int",
    "room_id": "uuid",
    "user_id": "uuid",
    "session_id": "uuid",
    "client_id": "text",
    "reply_to": "uuid",
}
# The rules are those of find_sender and require_live: in one statement, because this is the hottest path. The
# subqueries could be joins, but PostgreSQL would take longer to plan them than to run them. Each fits one index alone:
# a plan is kept for a prepared statement, and one that was made for small tables would later read the whole table. Of
# a range PostgreSQL expects one row in 200: so the joins look up each row by its index, and hash no table. Each costs a
# few microseconds even where it is not run: what few sends need, an invitation or the time of the last message in a
# room in slow mode, is read by a statement of its own.
_JUDGE = f"""
SELECT (SELECT earlier.id FROM {MESSAGE} earlier WHERE earlier.room_id = send.room_id
        AND earlier.sender_id = send.user_id AND earlier.client_id = send.client_id),
       room.kind, room.history, room.archived_at IS NOT NULL, room.posting, room.slow_mode_seconds,
       (SELECT CASE WHEN member.put_by_other THEN {PUT_BY_OTHER} ELSE 0 END
               + CASE WHEN member.muted_until > %s THEN {MUTED} ELSE 0 END
               + CASE WHEN member.role = '{Role.MEMBER}' THEN {PLAIN_MEMBER} ELSE 0 END
        FROM {MEMBER} member WHERE member.room_id = send.room_id
        AND member.user_id = send.user_id AND member.state = '{State.JOINED}'),
       {{peer}},
       (SELECT CASE WHEN target.room_id = send.room_id THEN target.seq END
        FROM {MESSAGE} target WHERE target.id = send.reply_to),
       author.is_active, send.user_id, author.username, author.display_name, author.avatar_url, author.kind
FROM {{sends}}
LEFT JOIN {ROOM} room ON room.id = send.room_id
LEFT JOIN {SESSION} session ON session.id = send.session_id AND session.expires_at > %s
LEFT JOIN {USER} author ON author.id = session.user_id
WHERE send.place BETWEEN 0 AND {MAX_PLACE}
ORDER BY send.place"""
_ONE_SEND = values_table("send", tuple(_SEND.items()), 1)
_JUDGE_ONE = {
    is_direct: numbered(_JUDGE.format(sends=_ONE_SEND, peer=peer_bits("send") if is_direct else "0"))
    for is_direct in (False, True)
}


def judge_one(execute: Execute, send: tuple[object, ...]) -> list[SendContext]:
    """Read the context of one send as `judge` does, by a prepared statement: that of direct rooms is longer."""
    now = timezone.now()
    values = (now, "0", *map(as_parameter, send), now)
    room_id = send[0]
    found = execute(_JUDGE_ONE[room_id in _direct_rooms], values)
    if found[0][1] == Kind.DIRECT and room_id not in _direct_rooms:
        if len(_direct_rooms) >= DIRECT_ROOMS_KEPT:
            _direct_rooms.clear()
        _direct_rooms.add(room_id)
        found = execute(_JUDGE_ONE[True], values)
    return _contexts_of(found)


# Rooms that are known to be direct, which never changes: the statement for others has no subqueries about a peer.
_direct_rooms: set[object] = set()
DIRECT_ROOMS_KEPT = 10_000


def judge(sends: Sequence[tuple[object, ...]]) -> list[SendContext]:
    """Read the context of each send, whose values are those of _SEND but the place, in one query."""
    values = ([*range(len(sends))], *zip(*sends, strict=True))
    columns = {name: (kind, of_all) for (name, kind), of_all in zip(_SEND.items(), values, strict=True)}
    rows, parameters = rows_as_table("send", **columns)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE.format(sends=rows, peer=peer_bits("send")), [now, *parameters, now])
        return _contexts_of(cursor.fetchall())


def _contexts_of(found: Sequence[tuple[Any, ...]]) -> list[SendContext]:
    """Convert the rows of _JUDGE. Only retries have an earlier message, so a statement of its own reads them."""
    earlier = [as_uuid(pk) for pk, *_ in found if pk is not None]
    messages = Message.objects.only("seq", "data", "digest").in_bulk(earlier) if earlier else {}
    contexts = []
    for pk, *state, user_id, username, display_name, avatar_url, kind in found:
        author = Author(as_uuid(user_id), username, display_name, avatar_url, kind)
        contexts.append(SendContext._make((None if pk is None else messages[as_uuid(pk)], *state, author)))
    return contexts
