"""Sessions that ended while the database could not be written. Memory refuses them until their rows are deleted.

Requests and sockets of this process, and of each process that its hints reach, are refused at once. A restart before
the database works again would revive the sessions, so the answer states that their end is kept in memory.
"""

import logging
import threading
from collections.abc import Collection, Iterable
from uuid import UUID

from django.apps import apps
from django.db import Error as DatabaseError
from django.db import connection

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0

_ended: frozenset[UUID] = frozenset()  # replaced as a whole, so that readers need no lock
_lock = threading.Lock()
_writer: threading.Thread | None = None


def ended_in_memory() -> Collection[UUID]:
    """Return the sessions whose end is kept in memory alone."""
    return _ended


def end_in_memory(ids: Iterable[UUID]) -> None:
    """End these sessions in memory, and delete their rows as soon as the database can be written."""
    global _ended, _writer
    with _lock:
        _ended |= frozenset(ids)
        if _ended and _writer is None:
            _writer = threading.Thread(target=_delete_rows, name="ended-sessions", daemon=True)
            _writer.start()


def _delete_rows() -> None:
    global _ended, _writer
    pause = threading.Event()
    while True:
        deleted = _delete(_ended)
        with _lock:
            _ended -= deleted
            if not _ended:
                _writer = None
                return
        pause.wait(RETRY_SECONDS)


def _delete(ids: frozenset[UUID]) -> frozenset[UUID]:
    try:
        # By name: the models import this module.
        apps.get_model("accounts", "Session").objects.filter(pk__in=ids).delete()
    except DatabaseError as error:
        logger.warning("Ended sessions cannot be deleted yet (%r)", error)
        return frozenset()
    finally:
        connection.close()
    logger.info("%d sessions that ended in memory are deleted", len(ids))
    return ids
