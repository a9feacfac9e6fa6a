"""The activity of a device, the state of a user, and the rule between them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import TextChoices


class Activity(TextChoices):
    """The report of a device about its user. A device in the background does not count."""

    ACTIVE = "active"
    AWAY = "away"
    BACKGROUND = "background"


class State(TextChoices):
    """The state of a user: online with an active device, away with only devices that are away."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


STATE_OF = {Activity.ACTIVE: State.ONLINE, Activity.AWAY: State.AWAY, Activity.BACKGROUND: State.OFFLINE}


def highest(states: Iterable[State]) -> State:
    """Return the state of a user with these devices, or with these leases."""
    found = set(states)
    return State.ONLINE if State.ONLINE in found else State.AWAY if State.AWAY in found else State.OFFLINE


class Lease(NamedTuple):
    """The state of a user by the devices of one process, as rows and hints carry it.

    `since` is when the state began, in whole milliseconds; `version` grows with each change of the process.
    """

    process: UUID
    user_id: UUID
    state: State
    since: datetime
    version: int
