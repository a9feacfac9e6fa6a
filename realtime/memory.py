"""Limits on the memory that the C library and SQLite keep after a server process has freed it."""

import ctypes
import sys
from typing import Any

from django.db.backends.signals import connection_created

ARENAS = 2  # by default eight for each core, and each keeps the memory that its threads have freed
LARGE_BYTES = 256 * 1024  # a block from here on is a mapping of its own, which ends when it is freed
HEAP_KEPT_BYTES = 4 * 1024 * 1024  # at the top of a heap, because releasing and allocating it again slows a request

# From malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def return_freed_memory() -> None:
    """Set the limits of glibc's malloc; call it before the first thread. It does nothing with other C libraries.

    By itself glibc raises its threshold for mappings to the largest block that was ever freed: after one large answer
    all the others are cut out of heaps that hardly ever shrink.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_M_ARENA_MAX, ARENAS)
    mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(_M_TRIM_THRESHOLD, HEAP_KEPT_BYTES)


SQLITE_CACHE_KIB = 512  # of each of 200 threads; by itself SQLite keeps 2 MiB, which any write of another empties


def keep_sqlite_caches_small() -> None:
    """Bound SQLite's cache on each new connection."""
    connection_created.connect(_bound_cache, dispatch_uid="realtime.memory")


def _bound_cache(connection: Any, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.execute(f"PRAGMA cache_size=-{SQLITE_CACHE_KIB}")
