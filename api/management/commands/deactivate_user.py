"""`manage.py deactivate_user`: deactivates an account and gives its rooms another owner."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from accounts.models import User, fold
from api.models import Job
from api.services import jobs


class Command(BaseCommand):
    help = (
        "Deactivate a user: no more log-ins, and all sessions end. Live sockets close within two seconds. "
        "Rooms without another owner who can log in get one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=fold(options["username"])).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        services.deactivate(user=user)
        if not jobs.finish(Job.objects.filter(user=user)):
            raise CommandError(f"{user.username} is deactivated. Their rooms will be handed over: see the log.")
        self.stdout.write(f"{user.username} is deactivated.")
