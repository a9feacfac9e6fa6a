"""`manage.py reactivate_user`: reverses a deactivation."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from accounts import administration, audit
from accounts.commands import OperatorCommand, find_user
from api.models import Job, JobKind
from api.services import jobs
from api.services.members import ownership


class Command(OperatorCommand):
    help = (
        "Let a deactivated user log in again. Rooms that were handed over keep their new owners too. "
        "Rooms in which no owner could log in get one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="or the user's id")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        user = find_user(options["username"])
        with transaction.atomic():
            if not administration.reactivate(user=user, actor=audit.COMMAND, reason=options["reason"]):
                raise CommandError(f"{user.username} is a deleted account: it cannot come back.")
            owners = ownership.begin_hand_over_to(user)
        if not jobs.finish(Job.objects.filter(kind=JobKind.HAND_OVER, user__in=owners)):
            raise CommandError(f"{user.username} can log in again. Some rooms will be handed over: see the log.")
        self.say(f"{user.username} can log in again.")
