"""Members of rooms, and the periods in which they were members."""

from typing import ClassVar
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import BaseExpression
from django.db.models.functions import Coalesce
from django.utils import timezone

from api.models.choices import (
    MENTION_ROOM_UP_TO,
    NOT_IN_READ_ONLY,
    PERMISSIONS,
    PERMISSIONS_IN_ARCHIVED,
    PERMISSIONS_IN_DIRECT,
    Kind,
    Notify,
    Permission,
    Posting,
    Role,
    State,
)
from api.models.deliveries import Delivery
from api.models.settings import UserSettings
from api.seq_ranges import FOR_EVER, SeqRange


class MemberQuerySet(models.QuerySet["Member"]):
    """Reads of memberships."""

    def joined(self) -> "MemberQuerySet":
        """Keep the memberships that are current."""
        return self.filter(state=State.JOINED)

    def with_hidden(self) -> "MemberQuerySet":
        """Add `is_hidden`: the member hid the room, and no message has come since."""
        annotations: dict[str, BaseExpression] = {"is_hidden": _is_hidden()}
        return self.annotate(**annotations)

    def with_markers(self) -> "MemberQuerySet":
        """Add `delivered_seq`, 0 before the first acknowledgement, and `shares_read`, the member's setting."""
        delivered = Delivery.objects.filter(room_id=OuterRef("room_id"), user_id=OuterRef("user_id"))
        hides = UserSettings.objects.filter(pk=OuterRef("user_id"), share_read=False)
        annotations: dict[str, BaseExpression] = {
            "delivered_seq": Coalesce(Subquery(delivered.values("seq")), 0),
            "shares_read": ~Exists(hides),
        }
        return self.annotate(**annotations)

    def hidden_by(self, user_id: UUID) -> "MemberQuerySet":
        """Keep the memberships whose rooms the user has hidden from the list."""
        return self.joined().filter(user_id=user_id, hidden_seq__isnull=False).filter(_is_hidden())

    def placed_by_others(self) -> "MemberQuerySet":
        """Keep the memberships that count towards the limit of rooms into which others may add a user.

        A hidden direct room does not count: it cannot be left, so the user hides it to free the place.
        """
        return self.joined().filter(put_by_other=True).exclude(Q(room__kind=Kind.DIRECT) & Q(_is_hidden()))

    def shares_room_with(self, user_id: UUID) -> Exists:
        """Build the condition that a user of the outer query shares a room with this user."""
        mine = self.joined().filter(user_id=user_id).values("room_id")
        return Exists(self.joined().filter(user_id=OuterRef("pk"), room_id__in=mine))


def _is_hidden() -> Case:
    messages = apps.get_model("api", "Message").objects  # its module imports this one
    newer = messages.filter(room_id=OuterRef("room_id"), seq__gt=OuterRef("hidden_seq"), in_main_line=True)
    return Case(When(hidden_seq=None, then=Value(False)), default=~Exists(newer))


class Member(models.Model):
    """A user who is or was in a room; the row is kept after the user leaves, because sync reports the leave from it."""

    room = models.ForeignKey("api.Room", models.PROTECT, related_name="members", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships", db_index=False)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    state = models.CharField(max_length=8, choices=State.choices, default=State.JOINED)
    joined_at = models.DateTimeField()
    joined_seq = models.BigIntegerField()
    left_seq = models.BigIntegerField(null=True)
    read_seq = models.BigIntegerField()
    # Somebody else added the user, who has neither written in the room nor joined it since.
    put_by_other = models.BooleanField(default=False, db_default=False)
    # The room's head when the user hid the room, which is hidden until a message has a greater seq. It is 0 in a
    # direct room that the other member opened, until its first message.
    hidden_seq = models.BigIntegerField(null=True)
    notify = models.CharField(max_length=8, choices=Notify.choices, default=Notify.ALL, db_default=Notify.ALL)
    snoozed_until = models.DateTimeField(null=True)
    pinned = models.BooleanField(default=False, db_default=False)
    muted_until = models.DateTimeField(null=True)  # that of the Mute; NEVER without a time
    last_sent_at = models.DateTimeField(null=True)  # of the last message, for slow mode

    is_hidden: bool  # only from `with_hidden`
    delivered_seq: int | None = None  # only from `with_markers`
    shares_read = True  # as of `with_markers`

    objects = MemberQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "user"], name="member_once"),
            models.CheckConstraint(
                condition=Q(state=State.JOINED, left_seq=None) | (~Q(state=State.JOINED) & Q(left_seq__isnull=False)),
                name="who_left_has_left_seq",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "state", "room"], name="rooms_of_user"),
            models.Index(fields=["room", "state", "joined_at", "id"], name="members_of_room"),
        ]

    def can(self) -> list[Permission]:
        """Return the permissions that the member has in the room now."""
        if self.state != State.JOINED:
            return []
        if self.room.kind == Kind.DIRECT:
            return list(PERMISSIONS_IN_DIRECT)
        can = list((PERMISSIONS_IN_ARCHIVED if self.room.is_archived else PERMISSIONS)[self.role])
        if Permission.SEND in can and self.role == Role.MEMBER and self.room.member_count <= MENTION_ROOM_UP_TO:
            can.append(Permission.MENTION_ROOM)
        return [each for each in can if each not in NOT_IN_READ_ONLY or self.may_post()]

    def may_see(self, permission: Permission) -> bool:
        """Return whether the member may read what this permission is about, in an archived room too."""
        return permission in PERMISSIONS[self.role]

    def may_post(self) -> bool:
        """Return whether the room lets a member of this role write and react."""
        return self.room.posting == Posting.EVERYONE or self.role != Role.MEMBER

    def is_muted(self) -> bool:
        """Return whether the member may not write now."""
        return self.muted_until is not None and self.muted_until > timezone.now()


class MembershipPeriodQuerySet(models.QuerySet["MembershipPeriod"]):
    """Reads of membership periods."""

    def ranges(self) -> dict[tuple[UUID, UUID], list[SeqRange]]:
        """The ranges of the periods, in order, by room and user."""
        found: dict[tuple[UUID, UUID], list[SeqRange]] = {}
        for room, user, joined, left in self.order_by("joined_seq").values_list(
            "room_id", "user_id", "joined_seq", "left_seq"
        ):
            found.setdefault((room, user), []).append((joined, FOR_EVER if left is None else left))
        return found


class MembershipPeriod(models.Model):
    """A period in which a user was a member: the seqs of the join and, when it is over, of the leave, both included."""

    room = models.ForeignKey("api.Room", models.PROTECT, related_name="membership_periods", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    joined_seq = models.BigIntegerField()
    left_seq = models.BigIntegerField(null=True)

    objects = MembershipPeriodQuerySet.as_manager()

    class Meta:
        db_table = "api_interval"  # its first name; processes of the version before run during an update
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "user", "joined_seq"], name="interval_once"),
            models.UniqueConstraint(fields=["room", "user"], condition=Q(left_seq=None), name="one_open_interval"),
        ]
