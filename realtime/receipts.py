"""Writes the delivery markers that the devices of this process have acknowledged, once a second."""

import asyncio
import logging

from django.db import DatabaseError

from api.services import receipts
from realtime.database import in_database

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1.0


async def write_markers_forever() -> None:
    """Write what waits, for ever; while the database is away the markers are kept."""
    while True:
        await asyncio.sleep(WRITE_SECONDS)
        if receipts.has_waiting():
            try:
                await in_database(receipts.write_markers)
            except DatabaseError as error:
                logger.warning("The delivery markers could not be written (%r): trying again", error)
