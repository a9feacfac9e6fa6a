"""The tables of presence: a lease for each process and user, and the life of each process. They hold no history."""

from typing import ClassVar

from django.db import models

from realtime.presence.states import Activity, State


class PresenceProcess(models.Model):
    """A server process that holds leases. All of them end when it does not renew its row."""

    id = models.UUIDField(primary_key=True)
    renewed_at = models.DateTimeField()  # by the clock of the database, as `changed_at` is


class PresenceLease(models.Model):
    """The state of a user by the devices that one process serves. The row stays after its end: it is when the user was
    last seen, until a newer row of the user replaces it.

    It refers to no table, so a batch of leases is written whatever has become of their users.
    """

    process = models.UUIDField()
    user_id = models.UUIDField()
    state = models.CharField(max_length=8, choices=State)
    since = models.DateTimeField()  # when the state began
    version = models.BigIntegerField()  # grows with each change of the process
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["process", "user_id"], name="presence_lease_once")]
        indexes: ClassVar = [
            models.Index(fields=["user_id"], name="presence_of_user"),
            models.Index(fields=["changed_at"], name="presence_by_change"),
        ]


class PresenceChoice(models.Model):
    """The activity that a session set over REST, for its devices on any process. It is kept for a minute."""

    session_id = models.UUIDField(primary_key=True)
    user_id = models.UUIDField()
    activity = models.CharField(max_length=10, choices=Activity)
    version = models.BigIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["changed_at"], name="presence_choice_by_change")]
