"""Authorization to subscribe: the head of a stream and the membership of its subscriber, read in one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from api.models import Member
from api.models.choices import History
from api.models.visibility import visible_ranges
from api.seq_ranges import EVERYTHING, FOR_EVER, SeqRange, count, missing
from api.services.members import room_not_accessible
from eventlog.heads import read_heads
from wire.problems import Problem

Pair = tuple[UUID, UUID]  # a user, and a room or their own inbox


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """The authorization of a subscription, read in one snapshot; it holds for everything up to `head`."""

    head: int
    epoch: int
    stays: Sequence[SeqRange] | None = None  # None: the history is shared

    @property
    def is_member(self) -> bool:
        """False when a leave was read that came after the membership."""
        return self.stays is None or any(last == FOR_EVER for _, last in self.stays)

    def missed(self, after: int) -> tuple[int, int, int]:
        """The number of visible events between a cursor and the head, the first of them and the last."""
        ranges = missing(EVERYTHING if self.stays is None else self.stays, after, self.head)
        return (count(ranges), ranges[0][0], ranges[-1][1]) if ranges else (0, 0, 0)


def authorize_each(pairs: Sequence[Pair]) -> list[StreamAccess | Problem]:
    """Return the access of each user to their stream, or Problem not_found or room.not_member."""
    accesses = authorize_many(pairs)
    return [accesses.get(pair) or room_not_accessible(pair[1]) for pair in pairs]


def authorize_many(pairs: Sequence[Pair]) -> dict[Pair, StreamAccess]:
    """Authorize users for streams with a constant number of queries.

    The heads are read first: a member after that may receive everything up to it, and the log brings the rest in order.
    """
    epoch, heads = read_heads({stream for _, stream in pairs})
    wanted, users, rooms = set(pairs), {user for user, _ in pairs}, {stream for _, stream in pairs}
    members = Member.objects.filter(user_id__in=users, room_id__in=rooms, state="joined")
    rows = members.values_list("user_id", "room_id", "joined_seq", "room__history")
    joined = {(user, room): (seq, history) for user, room, seq, history in rows if (user, room) in wanted}
    limited = {(room, user): history for (user, room), (_, history) in joined.items() if history != History.SHARED}
    visible = visible_ranges(limited)
    accesses = {}
    for pair in pairs:
        user, stream = pair
        head = heads.get(str(stream), 0)
        ranges = visible.get((stream, user))
        if ranges is not None:
            head = max([head, *(seq for each in ranges for seq in each if seq != FOR_EVER)])
        elif pair in joined:
            head = max(head, joined[pair][0])
        if pair in joined or user == stream:
            accesses[pair] = StreamAccess(head, epoch, ranges)
    return accesses
