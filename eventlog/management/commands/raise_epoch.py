"""`manage.py raise_epoch`: the last step of a restore from a backup."""

from typing import Any

from django.core.management.base import BaseCommand

from eventlog.services import raise_epoch


class Command(BaseCommand):
    help = "Raise the epoch after a restore: clients whose cursors belong to the lost past reload their rooms."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"The epoch is {raise_epoch()}.")
