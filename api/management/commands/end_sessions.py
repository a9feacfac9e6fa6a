"""`manage.py end_sessions`: ends all sessions of a user, who can log in again."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import administration, audit
from accounts.commands import OperatorCommand, find_user


class Command(OperatorCommand):
    help = "End all sessions of a user. Live sockets close within two seconds; the user can log in again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="or the user's id")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        user = find_user(options["username"])
        ended = administration.end_sessions(user=user, actor=audit.COMMAND, reason=options["reason"])
        self.say(f"{ended} sessions of {user.username} ended.")
