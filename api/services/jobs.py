"""Runs background jobs, in any process: a lease keeps other processes away, each step is one short transaction.

A process that dies loses its lease after LEASE_SECONDS; another one goes on after the last step that was committed.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import DatabaseError
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from api.models import Job, JobKind

logger = logging.getLogger(__name__)

LEASE_SECONDS = 10  # longer than any step: a lock and a statement have time limits of their own
SLICE_SECONDS = 5  # then the next job has its turn
RETRY_SECONDS = 1  # after a failure; doubled with each further one, up to the longest
LONGEST_RETRY_SECONDS = 300
# The pause after a step, in times of its length: others keep half of SQLite's one write lock.
PAUSE = 1
LEAST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.02  # a step that waited long need not rest as long
OTHERS_SECONDS = 0.2  # between two looks at a job that another process runs

# One step of a job of each kind: True when there was nothing left to do. Filled when the applications are ready.
STEPS: dict[str, Callable[[Job], bool]] = {}


class LeaseLost(Exception):
    """Another process has taken the job: this step must not be committed."""


def add_job(kind: JobKind, user: User) -> None:
    """Queue a job in the transaction of what it follows from; one that is queued already begins again."""
    fresh: dict[str, Any] = {"position": {}, "lease": None, "due_at": timezone.now(), "failures": 0}
    Job.objects.update_or_create(user=user, kind=kind, defaults=fresh)


def save_position(job: Job, **position: Any) -> None:
    """Note within a step's transaction how far it comes, and renew the lease. Raises LeaseLost."""
    job.position = {**job.position, **position}
    due_at = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    if not _held(job).update(position=job.position, due_at=due_at, failures=0):
        raise LeaseLost


def has_due() -> bool:
    """Return whether a job waits for a process."""
    return Job.objects.filter(due_at__lte=timezone.now()).exists()


def run_due() -> Iterator[float]:
    """Run what is due, one step at a time, until nothing is; yields the seconds to pause after each step."""
    while (job := _claim()) is not None:
        yield from _run(job)


def finish(jobs: QuerySet[Job]) -> bool:
    """Run these jobs, and whatever else is due, until these are done; False when one of them failed.

    Waits for those that another process runs.
    """
    while jobs.exists():
        for pause in run_due():
            time.sleep(pause)
        if jobs.filter(failures__gt=0).exists():
            return False
        if jobs.exists():
            time.sleep(OTHERS_SECONDS)
    return True


def _claim() -> Job | None:
    """The job that has been due for longest, leased to this process. Of two processes that try one succeeds."""
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
            _put_off(job, error)
            return
        ended = time.monotonic()
        if ended > slice_ends:
            _held(job).update(lease=None, due_at=timezone.now())
            return
        yield min(LONGEST_PAUSE_SECONDS, max(LEAST_PAUSE_SECONDS, PAUSE * (ended - began)))


def _put_off(job: Job, error: Exception) -> None:
    """Try again later: a room that is locked for long, or a database that is away, must not cost a busy loop."""
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
        pass  # the lease ends by itself


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, lease=job.lease)
