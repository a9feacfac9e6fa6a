"""Outages in the log: a database, disk or Redis that fails gets one line a second, with its cause.

The probe asks here for recent ones. A process knows only its own: of several, one may be asked that had none.
"""

import errno
import logging
import sqlite3
import time
import traceback
from collections import Counter
from collections.abc import Iterator

from django.db import Error as DatabaseError
from django.db import InterfaceError, InternalError, OperationalError

from wire import descriptors
from wire.metrics import LabelledCounter

# The longest wait for an answer of the database, queueing included: above its own statement and lock timeouts, for a
# database that is frozen.
DATABASE_SECONDS = 8.0
LINE_SECONDS = 1.0  # between two lines about the same outage
CAUSE_CHARS = 300
OUTAGES = LabelledCounter(
    "parley_outages_total", "Failures of a part that the server needs, before rate limits", "part"
)
DISK_FULL, SQLITE_FULL = "53100", "database or disk is full"  # PostgreSQL's disk_full, and SQLite's message
LOCK_NOT_AVAILABLE = "55P03"  # of PostgreSQL: a lock was held for longer than lock_timeout
READ_ONLY = "25006"  # PostgreSQL's read_only_sql_transaction: a standby, or a primary that is set to read-only

_last_at: dict[str, float] = {}  # by part: the monotonic time of its last outage in this process


def database_timeout() -> OperationalError:
    """Return the error of a call that took longer than DATABASE_SECONDS."""
    return OperationalError("The database did not answer in time")


def failed_within(part: str, seconds: float) -> bool:
    """Return whether this process had an outage of the part in the last seconds; other processes have their own."""
    last = _last_at.get(part)
    return last is not None and time.monotonic() - last < seconds


def is_outage(error: BaseException | None) -> bool:
    """Return whether the database is unreachable, full or read-only: the same request may succeed later."""
    if isinstance(error, InternalError):
        return any(getattr(cause, "sqlstate", None) == READ_ONLY for cause in _causes(error))
    return isinstance(error, OperationalError | InterfaceError)


def release_cursors(error: BaseException) -> None:
    """Free the cursors of a database error that has been handled, on the thread that used them; others are left.

    Django keeps the error and the frames that it passed in a circle. A garbage collection would free them on any
    thread: on SQLite it waits for their connection, whose own thread may wait for the lock that the collecting thread
    holds.
    """
    chain = (error, *_causes(error))
    if any(isinstance(each, DatabaseError) for each in chain):
        for each in chain:
            traceback.clear_frames(each.__traceback__)


def is_lock_timeout(error: BaseException) -> bool:
    """Return whether a lock was held for too long: lock_not_available on PostgreSQL, SQLITE_BUSY on SQLite."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        return cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the low byte; the others name the kind of busy
    return getattr(cause, "sqlstate", None) == LOCK_NOT_AVAILABLE


class OutageFilter(logging.Filter):
    """Turns the records of an outage into single lines without traceback, and passes one a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._dropped: Counter[str] = Counter()
        self._pool = ""  # the last message of the connection pool: its timeout errors do not name the cause

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "django.request" and getattr(record, "status_code", None) == 503:
            return False  # its cause is in the log already
        if record.name == "psycopg.pool":
            self._pool = _shorten(record.getMessage())
        error = _error_of(record)
        outage = _outage_of(record, error)
        if outage is None:
            return True
        now = time.monotonic()
        OUTAGES.add(_PARTS[outage])
        _last_at[_PARTS[outage]] = now
        if now - self._last.get(outage, -LINE_SECONDS) < LINE_SECONDS:
            self._dropped[outage] += 1
            return False
        self._last[outage] = now
        more = self._dropped.pop(outage, 0)
        record.msg = f"{outage}: {self._cause(record, error)}" + (f" ({more} more since the last line)" if more else "")
        record.args, record.exc_info, record.exc_text = (), None, None
        return True

    def _cause(self, record: logging.LogRecord, error: BaseException | None) -> str:
        if error is None:
            return _shorten(record.getMessage())
        cause = cause_of(error)
        waited = any(type(each).__name__ == "PoolTimeout" for each in _causes(error))
        return f"{cause}; {self._pool}" if self._pool and waited else cause


def cause_of(error: BaseException) -> str:
    """Return the cause in one line. Of missing descriptors SQLite reports only that it cannot open the file."""
    if "unable to open database file" in str(error) and descriptors.exhausted():
        return f"no file descriptors are left (limit {descriptors.limit()})"
    return _shorten(str(error)) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__


_PARTS = {
    "The database fails": "database",
    "The disk cannot be written": "disk",
    "No file descriptor is left": "descriptors",
    "Redis fails": "redis",
}


def _error_of(record: logging.LogRecord) -> BaseException | None:
    if record.exc_info and record.exc_info[1] is not None:
        return record.exc_info[1]
    arguments = record.args if isinstance(record.args, tuple) else ()
    return next((argument for argument in arguments if isinstance(argument, BaseException)), None)


def _outage_of(record: logging.LogRecord, error: BaseException | None) -> str | None:
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, OperationalError) and (
        SQLITE_FULL in str(error) or any(getattr(cause, "sqlstate", None) == DISK_FULL for cause in _causes(error))
    ):
        return "The disk cannot be written"
    if record.name == "psycopg.pool" or is_outage(error):
        return "The database fails"
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return "The disk cannot be written"
    if number in (errno.EMFILE, errno.ENFILE):
        return "No file descriptor is left"
    is_network = isinstance(error, OSError | TimeoutError) or type(error).__module__.startswith("redis.")
    if is_network and record.name.startswith(("realtime.broker", "channels_redis")):
        return "Redis fails"
    if isinstance(error, TimeoutError) and record.name.startswith("realtime."):
        return "The database fails"
    return None


def _shorten(text: str) -> str:
    return " ".join(text.split())[:CAUSE_CHARS]
