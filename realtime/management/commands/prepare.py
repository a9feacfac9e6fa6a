"""`manage.py prepare`: migrates and makes the lobby, once for all replicas."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.startup import prepare


class Command(BaseCommand):
    help = "Migrate the database (one process at a time) and make the room `lobby`."

    def handle(self, *args: Any, **options: Any) -> None:
        applied = prepare()
        self.stdout.write(f"The database is ready ({applied} migrations applied).")
