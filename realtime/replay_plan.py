"""The plan of a subscribe: the start of the subscription for a client's cursor, and the replay."""

from dataclasses import dataclass

from realtime.authorization import StreamAccess
from realtime.limits import MAX_REPLAY_EVENTS


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The start of a subscription, and the head and epoch at which it was authorized.

    `replay` is `complete` when all visible events after the client's cursor follow, `limited` when there are too many
    of them (`skipped`: the first and the last), and `reset` when the cursor is of a log that was rewritten.
    """

    cursor: int
    head: int
    epoch: int
    replay: str = "complete"
    skipped: tuple[int, int] | None = None


def plan_replay(access: StreamAccess, after: int | None, epoch: int | None) -> ReplayPlan:
    """Plan the replay for a cursor and its epoch; without a cursor the subscription starts at the head."""
    head = access.head
    if (epoch is not None and epoch != access.epoch) or (after is not None and after > head):
        return ReplayPlan(head, head, access.epoch, "reset")
    if after is None:
        return ReplayPlan(head, head, access.epoch)
    missed, first, last = access.missed(after)
    if missed > MAX_REPLAY_EVENTS:
        return ReplayPlan(head, head, access.epoch, "limited", (first, last))
    return ReplayPlan(after, head, access.epoch)
