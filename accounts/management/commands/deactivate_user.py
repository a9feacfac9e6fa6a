"""Shut an account out, from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from accounts.models import User, fold


class Command(BaseCommand):
    help = "Deactivate a user: no more log-ins, and all sessions end. Live sockets close within two seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=fold(options["username"])).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        services.deactivate(user=user)
        self.stdout.write(f"{user.username} is deactivated.")
