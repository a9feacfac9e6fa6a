"""`manage.py doctor`: examines the whole installation and lists how to mend it."""

import sys
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from realtime.doctor import Level, examine


class Command(BaseCommand):
    help = (
        "Examine the settings, the database, Redis, the machine and the running server. Each finding is a line with a "
        "code and a remedy. The exit code is 1 when there is an error. It changes nothing."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", help="where clients reach the server, such as https://chat.example.com")

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[Level] = Counter()
        for finding in examine(options["url"]):
            counts[finding.level] += 1
            self.stdout.write(finding.line())
        self.stdout.write(f"{counts[Level.ERROR]} errors, {counts[Level.WARNING]} warnings.")
        if counts[Level.ERROR]:
            sys.exit(1)
