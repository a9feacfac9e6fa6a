"""Staff: the users who may use the admin site."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class StaffMember(models.Model):
    """A user who may use the admin site, made by `manage.py create_staff`.

    It is a table of its own: without ADMIN=1 there is neither the table nor a column that every request reads.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[StaffMember]] = models.Manager()  # mypy sees installed applications only

    def __str__(self) -> str:
        return str(self.user)
