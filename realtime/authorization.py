"""Authorization to subscribe: the head of a stream, and the membership of its subscriber, which is read after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from api.models import Member
from api.models.choices import History, State
from api.models.visibility import visible_ranges
from api.seq_ranges import EVERYTHING, FOR_EVER, SeqRange, count, missing
from api.services.members import room_not_accessible
from eventlog.heads import read_heads
from wire.problems import Problem

Pair = tuple[UUID, UUID]  # a user, and a room or their own inbox


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """The authorization of a subscription: it holds for every event up to `head`."""

    head: int
    epoch: int
    visible_ranges: Sequence[SeqRange] | None = None  # None: the history is shared

    @property
    def is_member(self) -> bool:
        """Return whether the membership still lasted when its periods were read, which is after the members were."""
        return self.visible_ranges is None or any(last == FOR_EVER for _, last in self.visible_ranges)

    def missed(self, after: int) -> tuple[int, int, int]:
        """The number of visible events between a cursor and the head, the first of them and the last."""
        ranges = missing(EVERYTHING if self.visible_ranges is None else self.visible_ranges, after, self.head)
        return (count(ranges), ranges[0][0], ranges[-1][1]) if ranges else (0, 0, 0)


def authorize_each(pairs: Sequence[Pair]) -> list[StreamAccess | Problem]:
    """Authorize each user for their stream; a result is the access, or Problem not_found or room.not_member."""
    granted = authorize_many(pairs)
    return [granted.get(pair) or room_not_accessible(pair[1]) for pair in pairs]


def authorize_many(pairs: Sequence[Pair]) -> dict[Pair, StreamAccess]:
    """Authorize users for streams with a constant number of queries.

    The heads are read first, then the members, then their periods. A member after the head was read may receive
    everything up to it, and the log has the rest in order. A period that was read later may reach beyond that head: the
    access is then as of the later seq.
    """
    epoch, heads = read_heads({stream for _, stream in pairs})
    wanted, users, rooms = set(pairs), {user for user, _ in pairs}, {stream for _, stream in pairs}
    members = Member.objects.filter(user_id__in=users, room_id__in=rooms, state=State.JOINED)
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
