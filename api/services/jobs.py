"""Runs background jobs in any process: one process at a time has the lease, and each step is one short transaction.

A process that dies loses its lease after LEASE_SECONDS; another process continues after the last committed step.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from django.db import DatabaseError
from django.db.models import Count, DateTimeField, F, Min, Q, QuerySet, Value
from django.utils import timezone

from accounts.models import User
from api.models import Job, JobKind
from wire.compiled_query import CompiledQuery, param
from wire.outages import release_cursors

logger = logging.getLogger(__name__)

LEASE_SECONDS = 10  # longer than any step, whose locks and statements have shorter time limits
SLICE_SECONDS = 5  # of one job, before the next job runs
RETRY_SECONDS = 1  # after a failure; doubled with each further failure
LONGEST_RETRY_SECONDS = 300
# The pause after a step, relative to its length: other writers get half of the time of SQLite's only write lock.
PAUSE = 1
LEAST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.02  # a step that waited for locks for long needs no longer pause
POLL_SECONDS = 0.2  # for a job that another process runs

# Runs one step of a job of each kind and returns True when the job is done. Filled when the applications are ready.
STEPS: dict[str, Callable[[Job], bool]] = {}
# The kinds that belong to no user: the seconds from the end of one run to the next.
INTERVALS: dict[str, float] = {JobKind.PURGE: 86_400.0, JobKind.PURGE_SESSIONS: 3_600.0, JobKind.FINISH_SILENT: 10.0}


class LeaseLost(Exception):
    """Another process has taken the job: this step must not be committed."""


class Figures(NamedTuple):
    """The state of the queue: jobs that are due, that some process runs, and that failed and wait to be tried again."""

    due: int
    running: int
    failing: int
    lag_seconds: float  # for how long the oldest job that is due has waited; 0 without one


def read_figures() -> Figures:
    """Read the state of the queue, in one query. A lag of more than a few seconds means that no process runs jobs."""
    now = timezone.now()
    [(due, running, failing, oldest)] = _read_figures(now=now)
    return Figures(due, running, failing, (now - oldest).total_seconds() if oldest else 0.0)


def _figures() -> QuerySet[Job, Any]:
    now = param("now", DateTimeField())
    is_due = Q(due_at__lte=now)
    # All jobs are one group: `aggregate` would do, but makes no queryset that can be compiled.
    return (
        Job.objects.annotate(group=Value(1))
        .values("group")
        .annotate(
            due=Count("pk", filter=is_due),
            running=Count("pk", filter=Q(due_at__gt=now, lease__isnull=False)),
            failing=Count("pk", filter=Q(failures__gt=0)),
            oldest=Min("due_at", filter=is_due),
        )
        .values_list("due", "running", "failing", "oldest")
    )


_read_figures = CompiledQuery(_figures)  # each process runs it once a second


def ensure_repeated() -> None:
    """Queue the jobs that belong to no user, unless they are queued already."""
    queued = Job.objects.filter(user=None).values_list("kind", flat=True)
    missing = INTERVALS.keys() - set(queued)
    now = timezone.now()
    # Another process may do the same at the same time.
    Job.objects.bulk_create([Job(kind=kind, due_at=now) for kind in sorted(missing)], ignore_conflicts=True)


def add_job(kind: JobKind, user: User) -> None:
    """Queue a job in the transaction that causes it. A job that is queued already starts again."""
    fresh: dict[str, Any] = {"position": {}, "lease": None, "due_at": timezone.now(), "failures": 0}
    Job.objects.update_or_create(user=user, kind=kind, defaults=fresh)


def save_position(job: Job, **position: Any) -> None:
    """Save the position of the next step, within a step's transaction, and renew the lease. Raises LeaseLost."""
    job.position = {**job.position, **position}
    due_at = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    if not _held(job).update(position=job.position, due_at=due_at, failures=0):
        raise LeaseLost


def run_due() -> Iterator[float]:
    """Run the jobs that are due, one step at a time; yields the seconds to pause after each step."""
    while (job := _claim()) is not None:
        yield from _run(job)


def finish(jobs: QuerySet[Job]) -> bool:
    """Run all jobs that are due until these jobs are done. Returns False when one of these failed.

    It waits for jobs that another process runs, and not for the next run of a job that is repeated.
    """
    while _unfinished(jobs).exists():
        for pause in run_due():
            time.sleep(pause)
        if jobs.filter(failures__gt=0).exists():
            return False
        if _unfinished(jobs).exists():
            time.sleep(POLL_SECONDS)
    return True


def _unfinished(jobs: QuerySet[Job]) -> QuerySet[Job]:
    return jobs.exclude(user=None, lease=None, failures=0, due_at__gt=timezone.now())


def _claim() -> Job | None:
    """Lease the job that has been due for longest to this process. Of two processes that try, one succeeds."""
    while True:
        # Of the kinds that this release knows: during an update a newer one may queue others.
        due = Job.objects.filter(due_at__lte=timezone.now(), kind__in=list(STEPS))
        job = due.select_related("user").order_by("due_at", "pk").first()
        if job is None:
            return None
        seen, job.lease, job.due_at = job.due_at, uuid4(), timezone.now() + timedelta(seconds=LEASE_SECONDS)
        if Job.objects.filter(pk=job.pk, due_at=seen).update(lease=job.lease, due_at=job.due_at):
            return job


def _run(job: Job) -> Iterator[float]:
    slice_ends = time.monotonic() + SLICE_SECONDS
    while True:
        began = time.monotonic()
        try:
            if STEPS[job.kind](job):
                _end(job)
                return
        except LeaseLost:
            return
        except Exception as error:
            _retry_later(job, error)
            return
        ended = time.monotonic()
        if ended > slice_ends:
            _held(job).update(lease=None, due_at=timezone.now())
            return
        yield min(LONGEST_PAUSE_SECONDS, max(LEAST_PAUSE_SECONDS, PAUSE * (ended - began)))


def _end(job: Job) -> None:
    if job.kind not in INTERVALS:
        _held(job).delete()
        return
    due_at = timezone.now() + timedelta(seconds=INTERVALS[job.kind])
    _held(job).update(lease=None, due_at=due_at, position={}, failures=0)


def _retry_later(job: Job, error: Exception) -> None:
    """Retry later: while a room is locked or the database is down, the job must not run in a busy loop."""
    if isinstance(error, DatabaseError):
        logger.warning("The job %s of user %s will be tried again (%r)", job.kind, job.user_id or "-", error)
    else:
        logger.exception("The job %s of user %s failed and will be tried again", job.kind, job.user_id or "-")
    pause = min(LONGEST_RETRY_SECONDS, RETRY_SECONDS * 2 ** min(job.failures, 16))
    job.failures += 1
    release_cursors(error)
    try:
        due_at = timezone.now() + timedelta(seconds=pause)
        _held(job).update(lease=None, due_at=due_at, failures=F("failures") + 1)
    except DatabaseError as own:
        release_cursors(own)  # the lease expires


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, lease=job.lease)
