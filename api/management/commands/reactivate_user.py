"""`manage.py reactivate_user`: takes a deactivation back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from accounts.models import User, fold


class Command(BaseCommand):
    help = "Let a deactivated user log in again. Rooms that were handed over keep their new owners too."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=fold(options["username"])).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        if not services.reactivate(user=user):
            raise CommandError(f"{user.username} is a deleted account: it cannot come back.")
        self.stdout.write(f"{user.username} can log in again.")
