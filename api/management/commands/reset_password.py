"""`manage.py reset_password`: gives a user another password and ends all sessions."""

import secrets
import sys
from typing import Any

from django.core.management.base import CommandParser

from accounts import administration, audit
from accounts.commands import OperatorCommand, find_user

PASSWORD_BYTES = 15  # 120 random bits, 20 characters


class Command(OperatorCommand):
    help = "Set a random password, which is printed once, or one from standard input; all sessions of the user end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="or the user's id")
        parser.add_argument("--stdin", action="store_true", help="read the password from the first line of stdin")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        user = find_user(options["username"])
        given = sys.stdin.readline().rstrip("\r\n") if options["stdin"] else ""
        password = given if options["stdin"] else secrets.token_urlsafe(PASSWORD_BYTES)
        ended = administration.replace_password(user=user, new=password, actor=audit.COMMAND, reason=options["reason"])
        self.say(f"{user.username} has another password; {ended} sessions ended.")
        if not options["stdin"]:
            self.say(password)
