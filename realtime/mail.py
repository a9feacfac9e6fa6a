"""Outgoing e-mail of a serving process: on a thread of its own, because an SMTP server may be slow or dead."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import DatabaseError, connections

from accounts import mail
from realtime.database import in_database

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
_executor = ThreadPoolExecutor(1, thread_name_prefix="mail")


async def send_mail_forever() -> None:
    """Send the mail that any process has queued; ends at once when this server sends none."""
    if not settings.EMAIL_HOST:
        return
    loop = asyncio.get_running_loop()
    while True:
        try:
            if await in_database(mail.has_due):
                try:
                    await loop.run_in_executor(_executor, mail.send_due)
                finally:
                    await loop.run_in_executor(_executor, connections.close_all)  # idle threads keep no connection
        except DatabaseError:
            pass  # the sweep logs that the database is away
        except Exception:
            logger.exception("The sending of mail failed and starts again")
        await asyncio.sleep(POLL_SECONDS)
