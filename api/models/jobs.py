"""Background jobs: work that outlives its request, in steps of one short transaction each."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class JobKind(models.TextChoices):
    """The kinds of background jobs: those for one user are done once, the others again and again."""

    ERASE = "erase"  # leaves all rooms, then removes the deleted user's name and picture from messages and log
    ERASE_MESSAGES = "erase_messages"  # turns the messages of a deleted user into tombstones
    HAND_OVER = "hand_over"  # gives the rooms of a deactivated user another owner
    FINISH_SILENT = "finish_silent"  # finishes streamed messages whose senders fell silent
    PURGE = "purge"  # turns messages older than their room keeps into tombstones, and deletes old audit records
    PURGE_SESSIONS = "purge_sessions"  # deletes expired sessions


class Job(models.Model):
    """One job. The row of a user is deleted when it is done; one without a user is due again after its interval.

    `lease` identifies the process that runs it. A process may take the job at `due_at`: the end of the lease, or of the
    pause after a failure. Each step renews the lease in its own transaction, so a process without it writes nothing.
    """

    kind = models.CharField(max_length=16, choices=JobKind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    position = models.JSONField(default=dict)  # where the next step continues
    lease = models.UUIDField(null=True)
    due_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)  # since the last step that succeeded

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind"], name="job_once"),
            models.UniqueConstraint(fields=["kind"], condition=models.Q(user=None), name="job_of_no_user_once"),
        ]
