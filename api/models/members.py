"""Who is in which room, and the seqs between which they were: what the history rule is decided by."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class Role(models.TextChoices):
    """What a member is, from the most powerful down."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class State(models.TextChoices):
    """Whether a member is in, and how they went if not."""

    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"


# What each role may do (design section 5). A member who leaves or is removed may do nothing.
CAN: dict[str, tuple[str, ...]] = {
    Role.MEMBER: ("send", "leave"),
    Role.ADMIN: ("send", "delete_any", "add_members", "remove_members", "update", "leave"),
    Role.OWNER: ("send", "delete_any", "add_members", "remove_members", "set_roles", "update", "archive", "leave"),
}


class Member(models.Model):
    """A user in a room, now or once; the row stays when they go, so that their devices can be told."""

    room = models.ForeignKey("api.Room", models.PROTECT, related_name="members", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships", db_index=False)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    state = models.CharField(max_length=8, choices=State.choices, default=State.JOINED)
    joined_at = models.DateTimeField()
    joined_seq = models.BigIntegerField()
    left_seq = models.BigIntegerField(null=True)
    read_seq = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "user"], name="member_once"),
            models.CheckConstraint(
                condition=Q(state="joined", left_seq=None) | (~Q(state="joined") & Q(left_seq__isnull=False)),
                name="who_left_has_left_seq",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "state", "room"], name="rooms_of_user"),
            models.Index(fields=["room", "state", "joined_at", "id"], name="members_of_room"),
        ]

    def can(self) -> list[str]:
        """What this member may do in the room now, as the client's `me.can`."""
        if self.state != State.JOINED or self.room.is_archived:
            return []
        if self.room.kind == "direct":
            return ["send"]
        return list(CAN[self.role])


class Interval(models.Model):
    """One stay of a user in a room: the seqs of the own join and, once over, of the own leave, both ends included."""

    room = models.ForeignKey("api.Room", models.PROTECT, related_name="intervals", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    joined_seq = models.BigIntegerField()
    left_seq = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "user", "joined_seq"], name="interval_once"),
            models.UniqueConstraint(fields=["room", "user"], condition=Q(left_seq=None), name="one_open_interval"),
        ]
