"""`manage.py run_jobs`: runs all background jobs, without a server."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api.models import Job
from api.services import jobs


class Command(BaseCommand):
    help = "Run all background jobs until they are done. A server runs them too; this is for when no server runs."

    def handle(self, *args: Any, **options: Any) -> None:
        if not jobs.finish(Job.objects.all()):
            raise CommandError("A job failed and is still queued: see the log.")
        self.stdout.write("All jobs are done.")
