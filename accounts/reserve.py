"""A little of SQLite's disk is kept, so that access can be taken away when the rest of the disk is full.

PostgreSQL's disk belongs to its own server: accounts.ended is what remains there.
"""

import os
from contextlib import suppress

from django.db import OperationalError, connection

BYTES = 512 * 1024  # a dozen changes of a password or twenty log outs, until SQLite's log begins anew
STEP_BYTES = 32 * 1024
FULL = ("database or disk is full", "disk I/O error")  # SQLITE_FULL, and SQLITE_IOERR from some file systems


def fill() -> None:
    """Allocate the file, or as much of it as the disk has."""
    if connection.vendor != "sqlite":
        return
    with suppress(OSError):
        file = os.open(_path(), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for start in range(os.fstat(file).st_size, BYTES, STEP_BYTES):
                os.posix_fallocate(file, start, STEP_BYTES)
        finally:
            os.close(file)


def spend() -> None:
    """Give the space to the transaction that holds the write lock."""
    with suppress(OSError):
        os.truncate(_path(), 0)


def helps(error: BaseException) -> bool:
    """Return whether the error means that the disk has no space."""
    return connection.vendor == "sqlite" and isinstance(error, OperationalError) and str(error).startswith(FULL)


def _path() -> str:
    return f"{connection.settings_dict['NAME']}.reserve"
