"""`manage.py deactivate_user`: deactivates an account and gives its rooms another owner."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import administration, audit
from accounts.commands import OperatorCommand, find_user
from api.models import Job
from api.services import jobs


class Command(OperatorCommand):
    help = (
        "Deactivate a user: no more log-ins, and all sessions end. Live sockets close within two seconds. "
        "Rooms without another owner who can log in get one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="or the user's id")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        user = find_user(options["username"])
        changed = administration.deactivate(user=user, actor=audit.COMMAND, reason=options["reason"])
        if not jobs.finish(Job.objects.filter(user=user)):
            raise CommandError(f"{user.username} is deactivated. Their rooms will be handed over: see the log.")
        self.say(f"{user.username} is deactivated." if changed else f"{user.username} was deactivated already.")
