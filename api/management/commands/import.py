"""`manage.py import`: reads an export into this database, all of it or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import audit
from accounts.commands import OperatorCommand
from api.services.transfer import Refused, import_all


class Command(OperatorCommand):
    help = (
        "Import an export, with the same ids and seqs, into a database that `migrate` or `prepare` has made. All or "
        "nothing: it is refused if an id, username or slug is taken. Every device loads its rooms anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file of an export, or - for standard input")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        name = options["file"]
        try:
            with open(0, "rb", closefd=False) if name == "-" else Path(name).open("rb") as lines:
                counts = import_all(lines, actor=audit.COMMAND, reason=options["reason"])
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}") from error
        except Refused as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        self.say(f"{sum(counts.values())} rows imported.")
