"""`manage.py purge`: deletes expired sessions."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import PURGE_BATCH, purge_sessions


class Command(BaseCommand):
    help = "Delete sessions that expired more than a day ago, in small batches. Servers do it every hour."

    def handle(self, *args: Any, **options: Any) -> None:
        total = batch = purge_sessions()
        while batch == PURGE_BATCH:
            total += (batch := purge_sessions())
        self.stdout.write(f"{total} expired sessions deleted.")
