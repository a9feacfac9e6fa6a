"""Membership periods and the history rule, computed from the events of a room."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Period(NamedTuple):
    """One membership: the seqs of its join and its leave (None while it lasts), and the time of the join."""

    first: int
    last: int | None
    began_at: float

    def holds(self, seq: int) -> bool:
        """True for seqs from the join to the leave, both included."""
        return self.first <= seq and (self.last is None or seq <= self.last)


def periods_of(changes: Iterable[tuple[int, bool | None, float]]) -> list[Period]:
    """The periods of one user, from (seq, joins or leaves or neither, time) of each event in order."""
    periods: list[Period] = []
    for seq, joins, at in changes:
        if joins:
            periods.append(Period(seq, None, at))
        elif joins is False and periods:
            periods[-1] = periods[-1]._replace(last=seq)
    return periods


def sees(periods: Sequence[Period], seq: int, *, shared: bool, at: float = float("inf")) -> bool:
    """The history rule: a member sees their own periods; in a shared room also all that is before them.

    With `at` only periods that had begun by then count.
    """
    for first, last, began_at in periods:
        if (shared or first <= seq) and (last is None or seq <= last) and began_at <= at:
            return True
    return False


def membership_changes(event: dict[str, Any]) -> dict[str, bool]:
    """The users whose membership begins (True) or ends (False) with an event as it is sent."""
    kind, data = event["type"], event["data"]
    if kind == "room.created":
        return {member["user_id"]: True for member in data["members"]}
    if kind in ("member.joined", "member.left", "member.removed"):
        return {data["user"]["id"]: kind == "member.joined"}
    return {}
