"""Background jobs: work that outlives its request, in steps of one short transaction each."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class JobKind(models.TextChoices):
    """The kinds of background jobs, each for one user."""

    ERASE = "erase"  # leaves all rooms, then removes the deleted user's name and picture from messages and log
    HAND_OVER = "hand_over"  # gives the rooms of a deactivated user another owner


class Job(models.Model):
    """One job; the row is deleted when it is done.

    `lease` identifies the process that runs it. A process may take the job at `due_at`: the end of the lease, or of the
    pause after a failure. Each step renews the lease in its own transaction, so a process without it writes nothing.
    """

    kind = models.CharField(max_length=16, choices=JobKind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    position = models.JSONField(default=dict)  # where the next step continues
    lease = models.UUIDField(null=True)
    due_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)  # since the last step that succeeded

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "kind"], name="job_once")]
