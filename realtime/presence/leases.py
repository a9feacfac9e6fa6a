"""The leases in the database, through which processes without Redis agree. All times are the database's own.

Every function needs a thread with a connection. Each is a constant number of queries, whatever the number of users.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Now

from api.models import BlockList
from realtime.models import PresenceChoice, PresenceLease, PresenceProcess
from realtime.presence.states import Activity, Lease, State

DEAD_SECONDS = 30.0  # without a renewal, after which the leases of a process end
FORGET_SECONDS = 60.0  # after which another process writes their end, and old rows are deleted
OVERLAP_SECONDS = 3.0  # for which a transaction may be open before others see its changes

Choice = tuple[UUID, UUID, Activity, int]  # session, user, activity, version


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows that other processes have written lately."""

    leases: Sequence[Lease]
    dead: dict[UUID, datetime]  # the processes that are dead, and when each was last renewed
    blockers: Collection[UUID]  # the users who have blocked or unblocked somebody


def renew(process: UUID) -> bool:
    """Renew the leases of a process; False when the others may have ended them, so that it must write them again."""
    if PresenceProcess.objects.filter(pk=process).update(renewed_at=Now()):
        return True
    PresenceProcess.objects.create(pk=process, renewed_at=Now())
    return False


def write(process: UUID, leases: Sequence[Lease]) -> None:
    """Write leases of a process, and delete rows of these users that ended before."""
    with transaction.atomic():
        PresenceLease.objects.bulk_create(
            [
                PresenceLease(
                    process=process,
                    user_id=lease.user_id,
                    state=lease.state,
                    since=lease.since,
                    version=lease.version,
                    changed_at=Now(),
                )
                for lease in sorted(leases, key=lambda lease: lease.user_id)
            ],
            update_conflicts=True,
            unique_fields=["process", "user_id"],
            update_fields=["state", "since", "version", "changed_at"],
        )
        ended = PresenceLease.objects.filter(state=State.OFFLINE, changed_at__lt=Now() - _seconds(FORGET_SECONDS))
        ended.filter(user_id__in=[lease.user_id for lease in leases]).exclude(process=process).delete()


def end_dead() -> None:
    """End the leases of processes that were not renewed for FORGET_SECONDS; their users were last seen just before."""
    dead = PresenceProcess.objects.filter(renewed_at__lt=Now() - _seconds(FORGET_SECONDS))
    for process, renewed_at in dead.values_list("pk", "renewed_at"):
        with transaction.atomic():
            if not dead.filter(pk=process).delete()[0]:  # it has renewed its row meanwhile
                continue
            PresenceLease.objects.filter(process=process).exclude(state=State.OFFLINE).update(
                state=State.OFFLINE, since=renewed_at, version=F("version") + 1, changed_at=Now()
            )
    PresenceChoice.objects.filter(changed_at__lt=Now() - _seconds(FORGET_SECONDS)).delete()


def read(user_ids: Collection[UUID]) -> list[Lease]:
    """Read the leases of users. That of a dead process is offline since the last sign of life of the process."""
    processes = PresenceProcess.objects.filter(pk=OuterRef("process"))
    alive = processes.filter(renewed_at__gt=Now() - _seconds(DEAD_SECONDS))
    rows = PresenceLease.objects.filter(user_id__in=user_ids).annotate(
        alive=Subquery(alive.values("pk")), renewed_at=Subquery(processes.values("renewed_at"))
    )
    leases = []
    for row in rows.values_list("process", "user_id", "state", "since", "version", "alive", "renewed_at"):
        lease, is_alive, renewed_at = _lease(*row[:5]), row[5] is not None, row[6]
        if lease.state is not State.OFFLINE and not is_alive:
            lease = lease._replace(state=State.OFFLINE, since=max(lease.since, renewed_at or lease.since))
        leases.append(lease)
    return leases


def read_changes(process: UUID, seconds: float) -> Changes:
    """Read what other processes have written within the last seconds, and which processes are alive."""
    since = Now() - _seconds(seconds + OVERLAP_SECONDS)
    changed = PresenceLease.objects.filter(changed_at__gt=since).exclude(process=process)
    leases = [_lease(*row) for row in changed.values_list("process", "user_id", "state", "since", "version")]
    dead = PresenceProcess.objects.filter(renewed_at__lte=Now() - _seconds(DEAD_SECONDS))
    blockers = BlockList.objects.filter(changed_at__gt=since).values_list("pk", flat=True)
    return Changes(leases, dict(dead.values_list("pk", "renewed_at")), set(blockers))


def read_choices(seconds: float) -> list[Choice]:
    """Read the activities that sessions have set over REST within the last seconds."""
    chosen = PresenceChoice.objects.filter(changed_at__gt=Now() - _seconds(seconds + OVERLAP_SECONDS))
    rows = chosen.values_list("session_id", "user_id", "activity", "version")
    return [(session_id, user_id, Activity(activity), version) for session_id, user_id, activity, version in rows]


def choose(session_id: UUID, user_id: UUID, activity: Activity) -> Choice:
    """Write the activity that a session has set for its devices."""
    version = time.time_ns() // 1_000
    PresenceChoice.objects.update_or_create(
        pk=session_id,
        defaults={"user_id": user_id, "activity": activity, "version": version, "changed_at": Now()},
    )
    return session_id, user_id, activity, version


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def _lease(process: UUID, user_id: UUID, state: str, since: datetime, version: int) -> Lease:
    return Lease(process, user_id, State(state), since, version)
