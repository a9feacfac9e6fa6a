"""The audit: a record of each change by an operator or a server key, written in the transaction of the change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models
from django.utils import timezone
from uuid_utils.compat import uuid7

from wire.times import format_time

COMMAND = "command"  # the actor of a management command; every other actor is the id of a user or of a server key
REASON_CHARS = 500
ACTOR_CHARS = 64
ACTION_CHARS = 64


class AuditRecord(models.Model):
    """One record. It names its target by id, so that it outlives what it names and holds no personal data."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    actor = models.CharField(max_length=ACTOR_CHARS)
    on_behalf_of = models.UUIDField(null=True)
    action = models.CharField(max_length=ACTION_CHARS)
    target_type = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)
    room_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=REASON_CHARS, default="")
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["at", "id"], name="audit_by_time"),
            models.Index(fields=["target_type", "target_id", "at"], name="audit_by_target"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"

    def as_dict(self) -> dict[str, Any]:
        """Return the record in its JSON form."""
        return {
            "id": str(self.id),
            "actor": self.actor,
            "on_behalf_of": str(self.on_behalf_of) if self.on_behalf_of else None,
            "action": self.action,
            "target": {"type": self.target_type, "id": self.target_id},
            "room_id": str(self.room_id) if self.room_id else None,
            "reason": self.reason,
            "at": format_time(self.at),
        }


class Acting(NamedTuple):
    """A call in which a server key acts as a user."""

    key_id: UUID
    action: str  # the name of the operation
    target: tuple[str, object]
    room_id: UUID | None

    def record(self, user_id: UUID) -> None:
        """Record the call in the transaction of its write."""
        record(self.action, actor=str(self.key_id), target=self.target, room_id=self.room_id, on_behalf_of=user_id)


def record(
    action: str,
    *,
    actor: str,
    target: tuple[str, object],
    reason: str = "",
    room_id: UUID | None = None,
    on_behalf_of: UUID | None = None,
) -> AuditRecord:
    """Write a record in the transaction of the change; a change of nothing is not recorded.

    `target` is a type such as "user" and an id. Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An audit record is written in the transaction of the change.")
    target_type, target_id = target
    return AuditRecord.objects.create(
        actor=actor,
        on_behalf_of=on_behalf_of,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        room_id=room_id,
        reason=reason[:REASON_CHARS],
        at=timezone.now(),
    )


def purge_audit(keep: timedelta, batch: int) -> int:
    """Delete up to `batch` records that are older than `keep`. Returns their number."""
    old = AuditRecord.objects.filter(at__lt=timezone.now() - keep).order_by("at", "id")
    ids = list(old.values_list("pk", flat=True)[:batch])
    return AuditRecord.objects.filter(pk__in=ids).delete()[0]
