"""The judgement of sends: one statement reads everything that decides about each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db import connection
from django.utils import timezone

from accounts.ended import ended_in_memory
from accounts.models import Session, User
from api.models import Block, Invite, Member, Message, Room
from api.models.choices import Kind, Role, State
from api.serializers.authors import Author
from wire.problems import Problem
from wire.row_tables import as_uuid, numbered, rows_as_table, values_table

MEMBER, MESSAGE, ROOM = Member._meta.db_table, Message._meta.db_table, Room._meta.db_table
BLOCK, INVITE = Block._meta.db_table, Invite._meta.db_table
SESSION, USER = Session._meta.db_table, User._meta.db_table
MAX_PLACE = 1_000_000  # above that of any write in a batch; the range is for the planner, see _JUDGE


def peer_columns(write: str) -> str:
    """Return two columns: whether the other member of a direct room is deleted, and whether one blocks the other.

    `write` is the name of a table of writes, with a room_id and a user_id; its room is joined as `room`.
    """
    peers = f"""CASE WHEN room.kind = '{Kind.DIRECT}' THEN EXISTS (
           SELECT 1 FROM {MEMBER} peer WHERE peer.room_id = {write}.room_id AND peer.user_id <> {write}.user_id
           AND """
    is_deleted = f"(SELECT gone.deleted_at FROM {USER} gone WHERE gone.id = peer.user_id) IS NOT NULL"
    blocks = f"""((SELECT 1 FROM {BLOCK} own WHERE own.user_id = {write}.user_id AND own.blocked_id = peer.user_id)
                IS NOT NULL OR (SELECT 1 FROM {BLOCK} other WHERE other.user_id = peer.user_id
                                AND other.blocked_id = {write}.user_id) IS NOT NULL)"""
    return f"{peers}{is_deleted}) ELSE FALSE END,\n       {peers}{blocks}) ELSE FALSE END"


class WriteContext(Protocol):
    """The part of a judgement that every kind of write has."""

    @property
    def is_active(self) -> bool | None:
        """True if the account is active; None: the session has ended."""

    @property
    def is_archived(self) -> bool:
        """True if the room is archived."""

    @property
    def is_peer_deleted(self) -> bool:
        """True if the other member of a direct room has deleted the account."""

    @property
    def is_blocked(self) -> bool:
        """True if one of the two of a direct room blocks the other."""


def check_session(session: Session, context: WriteContext) -> Problem | None:
    """Return the problem of a session that has ended or whose account is disabled, as require_live raises it."""
    if context.is_active is None or session.pk in ended_in_memory():
        return Problem("auth.invalid_token")
    return None if context.is_active else Problem("auth.account_disabled")


def check_open(context: WriteContext) -> Problem | None:
    """Return the problem of a room in which nothing can be written, as find_participant raises it."""
    if context.is_archived:
        return Problem("room.archived")
    if context.is_peer_deleted:
        return Problem("room.peer_deleted")
    return Problem("user.blocked") if context.is_blocked else None


class SendContext(NamedTuple):
    """The state of the log, the room and the account for a send, read under the lock of the room's head."""

    earlier: Message | None  # the message that an earlier send with this client_id created
    kind: str | None  # of the room; None: it does not exist
    history: str
    is_archived: bool
    posting: str
    slow_mode_seconds: int
    standing: int | None  # the bits PUT_BY_OTHER, MUTED and PLAIN_MEMBER; or INVITED; None: not a member
    last_sent_at: datetime | str | None  # the sender's last message, in a room in slow mode
    is_peer_deleted: bool  # in a direct room
    is_blocked: bool  # in a direct room: one of the two blocks the other
    target_seq: int | None  # of the message replied to, if it is in this room
    is_active: bool | None  # the account; None: the session has ended
    author: Author

    @property
    def is_member(self) -> bool:
        """Return whether the sender is in the room."""
        return self.standing is not None and self.standing != INVITED

    def has(self, bit: int) -> bool:
        """Return whether the standing of a member has this bit."""
        return self.is_member and bool((self.standing or 0) & bit)


# The standing of a sender in the room.
PUT_BY_OTHER, MUTED, PLAIN_MEMBER = 1, 2, 4
INVITED = -1

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
# a range PostgreSQL expects one row in 200: so the joins look up each row by its index, and hash no table.
_JUDGE = f"""
SELECT (SELECT earlier.id FROM {MESSAGE} earlier WHERE earlier.room_id = send.room_id
        AND earlier.sender_id = send.user_id AND earlier.client_id = send.client_id),
       room.kind, room.history, room.archived_at IS NOT NULL, room.posting, room.slow_mode_seconds,
       COALESCE(
           (SELECT CASE WHEN member.put_by_other THEN {PUT_BY_OTHER} ELSE 0 END
                   + CASE WHEN member.muted_until > %s THEN {MUTED} ELSE 0 END
                   + CASE WHEN member.role = '{Role.MEMBER}' THEN {PLAIN_MEMBER} ELSE 0 END
            FROM {MEMBER} member WHERE member.room_id = send.room_id
            AND member.user_id = send.user_id AND member.state = '{State.JOINED}'),
           (SELECT {INVITED} FROM {INVITE} invite WHERE invite.room_id = send.room_id
            AND invite.user_id = send.user_id AND invite.ended_at IS NULL)),
       CASE WHEN room.slow_mode_seconds > 0 THEN
           (SELECT member.last_sent_at FROM {MEMBER} member
            WHERE member.room_id = send.room_id AND member.user_id = send.user_id) END,
       {peer_columns("send")},
       (SELECT CASE WHEN target.room_id = send.room_id THEN target.seq END
        FROM {MESSAGE} target WHERE target.id = send.reply_to),
       author.is_active, send.user_id, author.username, author.display_name, author.avatar_url, author.kind
FROM {{sends}}
LEFT JOIN {ROOM} room ON room.id = send.room_id
LEFT JOIN {SESSION} session ON session.id = send.session_id AND session.expires_at > %s
LEFT JOIN {USER} author ON author.id = session.user_id
WHERE send.place BETWEEN 0 AND {MAX_PLACE}
ORDER BY send.place"""
JUDGE_ONE = numbered(_JUDGE.format(sends=values_table("send", tuple(_SEND.items()), 1)))


def judge(sends: Sequence[tuple[object, ...]]) -> list[SendContext]:
    """Read the context of each send, whose values are those of _SEND but the place, in one query."""
    values = ([*range(len(sends))], *zip(*sends, strict=True))
    columns = {name: (kind, of_all) for (name, kind), of_all in zip(_SEND.items(), values, strict=True)}
    rows, parameters = rows_as_table("send", **columns)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE.format(sends=rows), [now, *parameters, now])
        return contexts_of(cursor.fetchall())


def contexts_of(found: Sequence[tuple[Any, ...]]) -> list[SendContext]:
    """Convert the rows of _JUDGE. Only retries have an earlier message, so a statement of its own reads them."""
    earlier = [as_uuid(pk) for pk, *_ in found if pk is not None]
    messages = Message.objects.only("seq", "data", "digest").in_bulk(earlier) if earlier else {}
    contexts = []
    for pk, *state, user_id, username, display_name, avatar_url, kind in found:
        author = Author(as_uuid(user_id), username, display_name, avatar_url, kind)
        contexts.append(SendContext._make((None if pk is None else messages[as_uuid(pk)], *state, author)))
    return contexts
