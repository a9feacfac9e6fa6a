"""`manage.py contracts`: writes the contracts and the client's types, or reports where they differ from the code."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contracts import files


class Command(BaseCommand):
    help = "Write the contracts, and the types of the TypeScript client, from the code."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        stale = [difference for name in files.FILES if (difference := files.difference(name))]
        if check and stale:
            raise CommandError("\n".join([*stale, "The contracts are stale: run `make schema`."]))
        if not check:
            for name in files.FILES:
                files.write(name)
        self.stdout.write(f"{', '.join(files.FILES)} {'match the code' if check else 'written'}.")
