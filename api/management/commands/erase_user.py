"""`manage.py erase_user`: deletes an account with all its messages."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import audit
from accounts.commands import OperatorCommand, find_user
from api.models import Job
from api.services import erasure, jobs


class Command(OperatorCommand):
    help = (
        "Delete an account as its user would, and turn its messages into tombstones too. It cannot be undone. "
        "For an account that is deleted already only the messages are left to erase."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="or the user's id; of a deleted user, the username of before")
        parser.add_argument("--yes", action="store_true", help="without it the command only says what it would do")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        user = find_user(options["username"])
        if not options["yes"]:
            raise CommandError(f"This erases {user.username} ({user.pk}) for ever. Repeat it with --yes.")
        erasure.erase_user(user=user, actor=audit.COMMAND, reason=options["reason"])
        if not jobs.finish(Job.objects.filter(user=user)):
            raise CommandError(f"{user.pk} is deleted. Their messages will be erased: see the log.")
        self.say(f"{user.pk} is erased.")
