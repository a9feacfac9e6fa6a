"""Runs background jobs in any process: one process at a time has the lease, and each step is one short transaction.

A process that dies loses its lease after LEASE_SECONDS; another process continues after the last committed step.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import DatabaseError
from django.db.models import Count, F, Min, QuerySet
from django.utils import timezone

from accounts.models import User
from api.models import Job, JobKind

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


class LeaseLost(Exception):
    """Another process has taken the job: this step must not be committed."""


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


def count_due() -> tuple[int, float]:
    """Return the number of jobs that are due, and for how many seconds the oldest of them has been."""
    now = timezone.now()
    due = Job.objects.filter(due_at__lte=now).aggregate(count=Count("pk"), oldest=Min("due_at"))
    return due["count"], (now - due["oldest"]).total_seconds() if due["oldest"] else 0.0


def run_due() -> Iterator[float]:
    """Run the jobs that are due, one step at a time; yields the seconds to pause after each step."""
    while (job := _claim()) is not None:
        yield from _run(job)


def finish(jobs: QuerySet[Job]) -> bool:
    """Run all jobs that are due until these jobs are done. Returns False when one of these failed.

    It waits for jobs that another process runs.
    """
    while jobs.exists():
        for pause in run_due():
            time.sleep(pause)
        if jobs.filter(failures__gt=0).exists():
            return False
        if jobs.exists():
            time.sleep(POLL_SECONDS)
    return True


def _claim() -> Job | None:
    """Lease the job that has been due for longest to this process. Of two processes that try, one succeeds."""
    while True:
        now = timezone.now()
        job = Job.objects.select_related("user").filter(due_at__lte=now).order_by("due_at", "pk").first()
        if job is None:
            return None
        seen, job.lease, job.due_at = job.due_at, uuid4(), now + timedelta(seconds=LEASE_SECONDS)
        if Job.objects.filter(pk=job.pk, due_at=seen).update(lease=job.lease, due_at=job.due_at):
            return job


def _run(job: Job) -> Iterator[float]:
    slice_ends = time.monotonic() + SLICE_SECONDS
    while True:
        began = time.monotonic()
        try:
            if STEPS[job.kind](job):
                _held(job).delete()
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


def _retry_later(job: Job, error: Exception) -> None:
    """Retry later: while a room is locked or the database is down, the job must not run in a busy loop."""
    if isinstance(error, DatabaseError):
        logger.warning("The job %s of user %s will be tried again (%r)", job.kind, job.user_id, error)
    else:
        logger.exception("The job %s of user %s failed and will be tried again", job.kind, job.user_id)
    pause = min(LONGEST_RETRY_SECONDS, RETRY_SECONDS * 2 ** min(job.failures, 16))
    job.failures += 1
    try:
        due_at = timezone.now() + timedelta(seconds=pause)
        _held(job).update(lease=None, due_at=due_at, failures=F("failures") + 1)
    except DatabaseError:
        pass  # the lease expires


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, lease=job.lease)
