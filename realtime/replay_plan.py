"""The plan of a subscribe: the start of the subscription for a client's cursor, and the replay."""

from dataclasses import dataclass

from django.db.models import TextChoices

from realtime.authorization import StreamAccess
from realtime.limits import MAX_REPLAY_EVENTS


class Replay(TextChoices):
    """The events that follow the reply to a subscribe."""

    COMPLETE = "complete"  # all visible events after the client's cursor
    LIMITED = "limited"  # only live events: too many were missed
    RESET = "reset"  # only live events: the cursor is of a log that was rewritten


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The start of a subscription, and the head and epoch at which it was authorized.

    With LIMITED, `skipped` are the first and the last of the visible events that are not replayed.
    """

    cursor: int
    head: int
    epoch: int
    replay: Replay = Replay.COMPLETE
    skipped: tuple[int, int] | None = None


def plan_replay(access: StreamAccess, after: int | None, epoch: int | None) -> ReplayPlan:
    """Plan the replay for a cursor and its epoch; without a cursor the subscription starts at the head."""
    head = access.head
    if (epoch is not None and epoch != access.epoch) or (after is not None and after > head):
        return ReplayPlan(head, head, access.epoch, Replay.RESET)
    if after is None:
        return ReplayPlan(head, head, access.epoch)
    missed, first, last = access.missed(after)
    if missed > MAX_REPLAY_EVENTS:
        return ReplayPlan(head, head, access.epoch, Replay.LIMITED, (first, last))
    return ReplayPlan(after, head, access.epoch)
