"""The base of the operators' commands: users by name or id, a reason for the audit, and errors in one line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rest_framework.exceptions import ValidationError

from accounts.audit import REASON_CHARS
from accounts.models import User
from wire.outages import cause_of, is_outage
from wire.problems import Problem, to_problem


class OperatorCommand(BaseCommand):
    """A command that changes something and records it. It ends with 1 and one line on stderr when it is refused."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", default="", help=f"for the audit, at most {REASON_CHARS} characters")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run `act`, and turn a refusal or an outage into a CommandError."""
        if len(options["reason"]) > REASON_CHARS:
            raise CommandError(f"--reason has more than {REASON_CHARS} characters.")
        try:
            self.act(options)
        except (Problem, ValidationError) as error:
            problem = to_problem(error)
            details = [f"{error.field}: {error.detail}" for error in problem.errors] or [problem.detail]
            raise CommandError(" ".join(details)) from error
        except DatabaseError as error:
            if not is_outage(error):
                raise
            raise CommandError(f"The database cannot be read or written: {cause_of(error)}") from error

    def act(self, options: dict[str, Any]) -> None:
        """Make the change; options has the arguments of the command."""
        raise NotImplementedError

    def say(self, line: str) -> None:
        """Print a line on stdout."""
        self.stdout.write(line)


def find_user(name: str) -> User:
    """Find a user by username or id; a deleted one also by the username of before. Raises CommandError."""
    user = User.objects.called(name).first()
    if user is None:
        raise CommandError(f"There is no user {name}.")
    return user
