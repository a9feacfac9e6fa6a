"""`manage.py contracts`: writes openapi.yaml and asyncapi.yaml, or reports where they differ from the code."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contracts import files


class Command(BaseCommand):
    help = "Write the two contracts from the code."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        stale = [difference for name in files.CONTRACTS if (difference := files.difference(name))]
        if check and stale:
            raise CommandError("\n".join([*stale, "The contracts are stale: run `make schema`."]))
        if not check:
            for name in files.CONTRACTS:
                files.write(name)
        self.stdout.write(f"{' and '.join(files.CONTRACTS)} {'match the code' if check else 'written'}.")
