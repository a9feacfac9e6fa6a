"""`manage.py create_staff`: lets users use the admin site, or no longer."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import audit
from accounts.models import User, fold
from staff.models import StaffMember


class Command(BaseCommand):
    help = "Let existing users use the admin site at /admin/, by username and password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="+")
        parser.add_argument("--remove", action="store_true", help="take the right away again, at once")

    def handle(self, *args: Any, **options: Any) -> None:
        for username in options["username"]:
            user = User.objects.filter(username=fold(username), is_active=True).first()
            if user is None:
                raise CommandError(f"There is no active user {username}.")
            with transaction.atomic():
                if options["remove"]:
                    deleted, _ = StaffMember.objects.filter(user=user).delete()
                    if deleted:
                        audit.record("user.staff_removed", actor=audit.COMMAND, target=("user", user.pk))
                    self.stdout.write(f"{user.username} is no longer staff.")
                else:
                    _, created = StaffMember.objects.get_or_create(user=user)
                    if created:
                        audit.record("user.staff_added", actor=audit.COMMAND, target=("user", user.pk))
                    self.stdout.write(f"{user.username} is staff.")
