"""A file that reserves disk space beside SQLite's, so that sessions can be ended when the disk is full.

PostgreSQL manages the disk of its own server; there accounts.ended is the fallback.
"""

import os
from contextlib import suppress

from django.db import OperationalError, connection

BYTES = 512 * 1024  # enough for a dozen changes of a password or twenty log outs before SQLite's next checkpoint
STEP_BYTES = 32 * 1024
FULL = ("database or disk is full", "disk I/O error")  # SQLITE_FULL, and SQLITE_IOERR from some file systems


def fill() -> None:
    """Allocate the file, or the part of it for which the disk has space."""
    if connection.vendor != "sqlite":
        return
    with suppress(OSError):
        file = os.open(_path(), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for start in range(os.fstat(file).st_size, BYTES, STEP_BYTES):
                os.posix_fallocate(file, start, STEP_BYTES)
        finally:
            os.close(file)


def release() -> None:
    """Free the space for the transaction that holds the write lock."""
    with suppress(OSError):
        os.truncate(_path(), 0)


def is_disk_full(error: BaseException) -> bool:
    """Return whether the error means that SQLite's disk is full."""
    return connection.vendor == "sqlite" and isinstance(error, OperationalError) and str(error).startswith(FULL)


def _path() -> str:
    return f"{connection.settings_dict['NAME']}.reserve"
