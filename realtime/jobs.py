"""Background jobs of a serving process: on one thread, one short transaction at a time."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DatabaseError, connections

from api.services import jobs
from realtime.database import in_database
from realtime.metrics import JOBS_DUE, JOBS_LAG

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0

T = TypeVar("T")
# Of its own: a step that waits for a room's lock must not keep a thread from the sockets.
_executor = ThreadPoolExecutor(1, thread_name_prefix="jobs")


async def run_jobs_forever() -> None:
    """Run due jobs of any process."""
    has_begun = False
    while True:
        try:
            if not has_begun:
                await in_database(jobs.ensure_repeated)
                has_begun = True
            figures = await in_database(jobs.read_figures)
            JOBS_DUE.value, JOBS_LAG.value = figures.due, figures.lag_seconds
            if figures.due:
                await _run(jobs.run_due())
        except DatabaseError:
            pass  # the sweep logs that the database is away
        except Exception:
            logger.exception("The background jobs failed and start again")
        await asyncio.sleep(POLL_SECONDS)


async def _run(steps: Iterator[float]) -> None:
    """Run the steps on the thread; each yields the seconds to pause after it."""
    pause: float | None = 0.0
    try:
        while pause is not None:
            await asyncio.sleep(pause)
            pause = await _on_thread(lambda: next(steps, None))
    finally:
        await _on_thread(connections.close_all)  # an idle thread keeps no connection of the pool


async def _on_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_executor, work)
