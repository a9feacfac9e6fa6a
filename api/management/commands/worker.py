"""`manage.py worker`: runs background jobs until SIGTERM or SIGINT, beside the servers or in their place."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from api.services import jobs
from wire.outages import is_outage

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Run background jobs until the process is stopped. Any number of workers and servers may do so at once: each "
        "job is run by one of them. With RUN_JOBS=0 servers leave all jobs to the workers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        self.stdout.write("Running background jobs.")
        self.stdout.flush()
        while not stopping.is_set():
            try:
                jobs.ensure_repeated()
                for pause in jobs.run_due():
                    if stopping.wait(pause):
                        break  # the lease ends soon, and another process continues
            except DatabaseError as error:
                if not is_outage(error):
                    raise
                logger.warning("The database fails, the background jobs wait: %r", error)
            connections.close_all()  # an idle worker keeps no connection
            stopping.wait(POLL_SECONDS)
