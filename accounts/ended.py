"""Sessions that were ended while the database could not be written: refused from memory until it has deleted them.

Every request and socket of this process, and of all that its hints reach, sees them as ended at once. A restart before
the database is back would bring them back, so the answer says that the end is in memory.
"""

import logging
import threading
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0

_ended: frozenset[UUID] = frozenset()  # replaced as a whole, so that readers need no lock
_lock = threading.Lock()
_writer: threading.Thread | None = None


def held() -> Collection[UUID]:
    """The sessions that are ended in memory alone."""
    return _ended


def remember(ids: Iterable[UUID]) -> None:
    """These sessions are over, whatever the database says, and are deleted as soon as it can be written."""
    global _ended, _writer
    with _lock:
        _ended |= frozenset(ids)
        if _ended and _writer is None:
            _writer = threading.Thread(target=_write, name="ended-sessions", daemon=True)
            _writer.start()


def _write() -> None:
    global _ended, _writer
    pause = threading.Event()
    while True:
        written = _delete(_ended)
        with _lock:
            _ended -= written
            if not _ended:
                _writer = None
                return
        pause.wait(RETRY_SECONDS)


def _delete(ids: frozenset[UUID]) -> frozenset[UUID]:
    from accounts.models import Session  # the models know this module

    try:
        Session.objects.filter(pk__in=ids).delete()
    except DatabaseError as error:
        logger.warning("Sessions that have ended cannot be deleted yet (%r)", error)
        return frozenset()
    finally:
        connection.close()
    logger.info("%d sessions that had ended in memory are deleted", len(ids))
    return ids
