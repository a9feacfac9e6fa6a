"""Links: anybody who has the code of one may join its room."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class LinkQuerySet(models.QuerySet["Link"]):
    """Reads of links."""

    def usable(self) -> "LinkQuerySet":
        """Keep the links that have neither expired nor been used up."""
        in_time = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(in_time, Q(max_uses=None) | Q(uses__lt=F("max_uses")))


class Link(models.Model):
    """An invitation of everybody who has the code. Only the SHA-256 of the code is stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey("api.Room", models.PROTECT, related_name="links", db_index=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    code_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    max_uses = models.PositiveIntegerField(null=True)
    uses = models.PositiveIntegerField(default=0)

    objects = LinkQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["room", "id"], name="links_of_room"),
            models.Index(fields=["expires_at"], name="links_that_expire", condition=Q(expires_at__isnull=False)),
        ]
