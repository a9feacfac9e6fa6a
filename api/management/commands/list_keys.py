"""`manage.py list_keys`: lists the server keys, without their tokens."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import F, Max, Q

from accounts.models import ServerKey
from wire.times import format_time


class Command(BaseCommand):
    help = "List the server keys, oldest first: id, scope, expiry, last use and name."

    def handle(self, *args: Any, **options: Any) -> None:
        is_used = Q(sessions__last_used_at__gt=F("sessions__created_at"))
        for key in ServerKey.objects.annotate(used=Max("sessions__last_used_at", filter=is_used)).order_by("pk"):
            used: list[datetime] = [at for at in (key.last_used_at, key.used) if at is not None]
            last = format_time(max(used)) if used else "never"
            expires = format_time(key.expires_at) if key.expires_at else "never"
            self.stdout.write(f"{key.pk}  {key.scope:<5}  expires {expires}  used {last}  {key.name}")
