"""Authorization to subscribe: the head of a stream and the membership of its subscriber, read in one call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.db import connection

from api.models import Member, MembershipPeriod
from api.models.rooms import History
from api.services.members.access import seen_from_outside
from realtime.subscription import VisibleRange
from wire.problems import Problem

Pair = tuple[UUID, UUID]  # a user, and a room or their own inbox


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """The authorization of a subscription, read in one snapshot; it holds for everything up to `head`."""

    head: int
    epoch: int
    stays: tuple[VisibleRange, ...] | None = None  # None: all of it

    @property
    def is_member(self) -> bool:
        """False when a leave was read that came after the membership."""
        return self.stays is None or any(last is None for _, last in self.stays)

    def missed(self, after: int) -> tuple[int, int, int]:
        """The number of visible events between a cursor and the head, the first of them and the last."""
        stays = ((1, None),) if self.stays is None else self.stays
        parts = [(max(first, after + 1), min(last or self.head, self.head)) for first, last in stays]
        parts = [(first, last) for first, last in parts if first <= last]
        if not parts:
            return 0, 0, 0
        return sum(last - first + 1 for first, last in parts), parts[0][0], parts[-1][1]


def authorize_each(pairs: Sequence[Pair]) -> list[StreamAccess | Problem]:
    """Authorize each user for a stream; a result is the access, or Problem not_found or room.not_member."""
    granted = authorize_many(pairs)
    return [granted.get(pair) or seen_from_outside(pair[1]) for pair in pairs]


def authorize_many(pairs: Sequence[Pair]) -> dict[Pair, StreamAccess]:
    """Authorize users for streams with a constant number of queries.

    The heads are read first: a member after that may receive everything up to it, and the log brings the rest in order.
    """
    epoch, heads = read_heads({stream for _, stream in pairs})
    wanted, users, rooms = set(pairs), {user for user, _ in pairs}, {stream for _, stream in pairs}
    members = Member.objects.filter(user_id__in=users, room_id__in=rooms, state="joined")
    rows = members.values_list("user_id", "room_id", "joined_seq", "room__history")
    joined = {(user, room): (seq, history) for user, room, seq, history in rows if (user, room) in wanted}
    stays = _read_stays([pair for pair, (_, history) in joined.items() if history == History.SINCE_JOINED])
    accesses = {}
    for pair in pairs:
        user, stream = pair
        head = heads.get(str(stream), 0)
        if pair in stays:
            head = max([head, *(seq for stay in stays[pair] for seq in stay if seq)])
        elif pair in joined:
            head = max(head, joined[pair][0])
        if pair in joined or user == stream:
            accesses[pair] = StreamAccess(head, epoch, stays.get(pair))
    return accesses


def _read_stays(pairs: Sequence[Pair]) -> dict[Pair, tuple[VisibleRange, ...]]:
    stays: dict[Pair, tuple[VisibleRange, ...]] = dict.fromkeys(pairs, ())
    if pairs:
        users, rooms = {user for user, _ in pairs}, {room for _, room in pairs}
        intervals = MembershipPeriod.objects.filter(user_id__in=users, room_id__in=rooms).order_by("joined_seq")
        for user, room, first, last in intervals.values_list("user_id", "room_id", "joined_seq", "left_seq"):
            if (user, room) in stays:
                stays[user, room] = (*stays[user, room], (first, last))
    return stays


_HEADS = """SELECT e.value, {stream}, h.last_seq FROM (SELECT COALESCE((SELECT value FROM api_epoch), 1) AS value) e
            LEFT JOIN api_streamhead h ON h.stream IN (SELECT {wanted})"""
_IN_POSTGRESQL = _HEADS.format(stream="h.stream::text", wanted="unnest(string_to_array(%s, ',')::uuid[])")
_IN_SQLITE = _HEADS.format(stream="h.stream", wanted="value FROM json_each(%s)")


def read_heads(streams: Iterable[UUID | str]) -> tuple[int, dict[str, int]]:
    """The epoch and the heads of all these streams, in one query with one bind parameter.

    Text in and text out: the sweep reads the head of every local stream each second, and UUID objects would cost more.
    """
    ids = [str(stream) for stream in streams]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_IN_POSTGRESQL, (",".join(ids),))
            rows = cursor.fetchall()
            return rows[0][0], {stream: seq for _, stream, seq in rows if stream}
        # SQLite keeps UUIDs as 32 digits.
        known = {each.replace("-", ""): each for each in ids}
        cursor.execute(_IN_SQLITE, (orjson.dumps(list(known)).decode(),))
        rows = cursor.fetchall()
        return rows[0][0], {known[stream]: seq for _, stream, seq in rows if stream}
