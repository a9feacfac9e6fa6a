"""The history rule: the seqs of a room that a member may see.

In a room with shared history a member may see every seq; in a room with the rule since_joined, those of the periods in
which they were a member.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from api.models.choices import History
from api.models.members import Member, MembershipPeriod
from api.seq_ranges import EVERYTHING, SeqRange


def visible_ranges(histories: Mapping[tuple[UUID, UUID], str]) -> dict[tuple[UUID, UUID], Sequence[SeqRange]]:
    """Return the visible ranges of members, by room and user, from the history rules of these rooms.

    One query for all of them, and none when all the rooms share their history.
    """
    limited = [key for key, history in histories.items() if history == History.SINCE_JOINED]
    if not limited:
        return dict.fromkeys(histories, EVERYTHING)
    rooms, users = {room for room, _ in limited}, {user for _, user in limited}
    periods = MembershipPeriod.objects.filter(room_id__in=rooms, user_id__in=users).ranges()
    return dict.fromkeys(histories, EVERYTHING) | {key: periods.get(key, ()) for key in limited}


def is_visible_to(member: Member) -> Q:
    """Return the condition that a row of the member's room is visible to the member; the row has a `seq`."""
    if member.room.history == History.SHARED:
        return Q()
    return Q(is_in_period(member.room_id, member.user_id))


def is_in_period(room_id: Any, user_id: Any, seq: str = "seq") -> Exists:
    """Return the condition that a row's `seq` is in one of the user's membership periods in the room."""
    periods = MembershipPeriod.objects.filter(room_id=room_id, user_id=user_id, joined_seq__lte=OuterRef(seq))
    return Exists(periods.filter(Q(left_seq=None) | Q(left_seq__gte=OuterRef(seq))))
