"""`manage.py export`: writes everything but sessions as lines of JSON."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import audit
from accounts.commands import OperatorCommand
from api.services.transfer import export_all


class Command(OperatorCommand):
    help = (
        "Export users, rooms, messages, the log and the audit, of one moment, while the servers run. The file has "
        "password hashes and every message: only its owner can read it. Sessions are not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a new file, or - for standard output")
        super().add_arguments(parser)

    def act(self, options: dict[str, Any]) -> None:
        name, reason = options["file"], options["reason"]
        if name == "-":
            export_all(sys.stdout.buffer.write, actor=audit.COMMAND, reason=reason)
            sys.stdout.buffer.flush()
            return
        draft = Path(f"{name}.partial")
        try:
            if Path(name).exists():
                raise CommandError(f"{name} exists already.")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                counts = export_all(file.write, actor=audit.COMMAND, reason=reason)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(name)
        except OSError as error:
            raise CommandError(f"{name} cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        self.say(f"{sum(counts.values())} rows exported to {name}.")
