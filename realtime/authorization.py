"""Authorization to subscribe: the head of a stream and the membership of its subscriber, in one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import orjson
from django.db import connection

from api.models import BlockList, Invite, Member, MembershipPeriod, Room
from api.models.choices import History, State
from api.seq_ranges import EVERYTHING, FOR_EVER, SeqRange, count, missing
from api.services.blocks import BlockState, read_block_states
from api.services.members import not_accessible
from eventlog.models import Epoch, StreamHead
from wire.problems import Problem

ROOM = Room._meta.db_table

Pair = tuple[UUID, UUID]  # a user, and a room or their own inbox


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """The authorization of a subscription: it holds for every event up to `head`."""

    head: int
    epoch: int
    visible_ranges: Sequence[SeqRange] | None = None  # the last one last; None: the history is shared
    blocks: BlockState | None = None  # of the user; None: the user never blocked anybody

    @property
    def is_member(self) -> bool:
        """Return whether the last membership period is open, as it is when the access is read."""
        ranges = self.visible_ranges
        return ranges is None or (len(ranges) > 0 and ranges[-1][1] == FOR_EVER)

    def missed(self, after: int) -> tuple[int, int, int]:
        """The number of visible events between a cursor and the head, the first of them and the last."""
        ranges = missing(EVERYTHING if self.visible_ranges is None else self.visible_ranges, after, self.head)
        return (count(ranges), ranges[0][0], ranges[-1][1]) if ranges else (0, 0, 0)


def authorize_each(pairs: Sequence[Pair]) -> list[StreamAccess | Problem]:
    """Authorize each user for their stream, in one query, and one more if some of the users block others.

    A result is the access, or Problem not_found or room.not_member.

    The query has one snapshot: a member may receive everything up to the head, and the log has the rest in order.
    """
    if not pairs:
        return []
    if connection.vendor == "postgresql":
        parameters = [",".join([each.hex for each in ids]) for ids in zip(*pairs, strict=True)]
    else:
        parameters = [orjson.dumps([(user.hex, stream.hex) for user, stream in pairs]).decode()]
    with connection.cursor() as cursor:
        cursor.execute(_sql(connection.vendor), parameters)
        rows = cursor.fetchall()
    accesses: list[StreamAccess | Problem] = []
    blockers = {user for (user, _), row in zip(pairs, rows, strict=True) if row[-1] is not None}
    blocks = read_block_states(blockers) if blockers else {}
    for (user, stream), (epoch, head, kind, is_joined, periods, _) in zip(pairs, rows, strict=True):
        if user != stream and not is_joined:
            accesses.append(not_accessible(kind, is_invited=is_joined == 0))
        elif periods is None:
            accesses.append(StreamAccess(head or 0, epoch, blocks=blocks.get(user)))
        else:
            ranges = [(first, FOR_EVER if last is None else last) for first, last in orjson.loads(periods)]
            accesses.append(StreamAccess(head, epoch, sorted(ranges), blocks.get(user)))
    return accesses


def authorize_many(pairs: Sequence[Pair]) -> dict[Pair, StreamAccess]:
    """Authorize users as authorize_each does; pairs without access are left out."""
    accesses = zip(pairs, authorize_each(pairs), strict=True)
    return {pair: access for pair, access in accesses if isinstance(access, StreamAccess)}


# Each column is a subquery that only an index can answer: a join, or an EXISTS, could be planned as a hash, which reads
# a whole table. PostgreSQL keeps the plan of a prepared statement that it made while the tables were small.
_STATEMENT = f"""
SELECT (SELECT COALESCE((SELECT value FROM {Epoch._meta.db_table}), 1)),
       (SELECT last_seq FROM {StreamHead._meta.db_table} head WHERE head.stream = pair.stream),
       (SELECT kind FROM {ROOM} room WHERE room.id = pair.stream),
       COALESCE((SELECT 1 FROM {Member._meta.db_table} member WHERE member.room_id = pair.stream
                 AND member.user_id = pair.user_id AND member.state = '{State.JOINED}'),
                (SELECT 0 FROM {Invite._meta.db_table} invite WHERE invite.room_id = pair.stream
                 AND invite.user_id = pair.user_id AND invite.ended_at IS NULL)),
       CASE WHEN (SELECT history FROM {ROOM} room WHERE room.id = pair.stream) = '{History.SINCE_JOINED}' THEN
           (SELECT {{periods}} FROM {MembershipPeriod._meta.db_table} period
            WHERE period.room_id = pair.stream AND period.user_id = pair.user_id) END,
       (SELECT changed_seq FROM {BlockList._meta.db_table} list WHERE list.user_id = pair.user_id)
FROM {{pairs}} ORDER BY pair.place"""


@cache
def _sql(vendor: str) -> str:
    if vendor == "postgresql":
        ids = "string_to_array(%s, ',')::uuid[]"
        pairs = f"unnest({ids}, {ids}) WITH ORDINALITY AS pair(user_id, stream, place)"
        periods = "COALESCE(json_agg(json_build_array(joined_seq, left_seq))::text, '[]')"
        return _STATEMENT.format(periods=periods, pairs=pairs)
    # SQLite uses an index only for values of the column's type.
    user, stream = (f"CAST(json_extract(value, '$[{place}]') AS text)" for place in range(2))
    pairs = f"(SELECT {user} AS user_id, {stream} AS stream, key AS place FROM json_each(%s)) AS pair"
    return _STATEMENT.format(periods="json_group_array(json_array(joined_seq, left_seq))", pairs=pairs)
