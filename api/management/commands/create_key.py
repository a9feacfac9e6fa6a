"""`manage.py create_key`: makes a server key and prints it once."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.exceptions import ValidationError

from accounts import keys
from accounts.commands import OperatorCommand
from accounts.models import KEY_NAME_CHARS, KeyScope
from wire.fields import NameField
from wire.problems import invalid


class Command(OperatorCommand):
    help = (
        "Make a server key: of scope admin for the backend of an app, of scope bot for a bot. The key is printed once, "
        "alone on stdout; its id is on stderr."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the key; a new bot is called so, too")
        parser.add_argument("--scope", required=True, choices=KeyScope.values)
        parser.add_argument("--username", help="of the bot, which is made unless it exists")
        parser.add_argument("--expires", help="a date, a time such as 2027-01-31T12:00:00Z, or days such as 90d")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        scope = KeyScope(options["scope"])
        if options["username"] is not None and scope != KeyScope.BOT:
            raise CommandError("--username is for --scope bot.")
        try:
            name = NameField(max_chars=KEY_NAME_CHARS).run_validation(options["name"])
        except ValidationError as error:
            raise ValidationError({"name": error.detail}) from error
        token, key = keys.create_key(
            name=name,
            scope=scope,
            expires_at=_parse(options["expires"]) if options["expires"] else None,
            username=options["username"],
            reason=options["reason"],
        )
        self.stderr.write(f"The key {key.name} has the id {key.pk}. It is shown this once:")
        self.say(token)


def _parse(text: str) -> datetime:
    """Read a date, a time or a number of days. Raises Problem request.invalid."""
    days = re.fullmatch("([0-9]{1,5})d", text)
    if days:
        return timezone.now() + timedelta(days=int(days[1]))
    try:
        date, time = parse_date(text), parse_datetime(text)
    except ValueError:
        date = time = None
    if (date is not None and time is None) or (time is not None and len(text) == 10):
        time = datetime.fromisoformat(f"{text}T00:00:00+00:00")
    if time is None or time.tzinfo is None:
        raise invalid("expires", "invalid", "Write a date, a time with its zone, or days such as 90d.")
    return time
