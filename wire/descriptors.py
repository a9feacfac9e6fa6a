"""File descriptors: their limit, and how they are divided between clients, the database and the rest.

A process without free descriptors cannot open a database file, accept a client or write a log file. So clients get
only those that the database and a reserve leave.
"""

import os
import resource
from collections.abc import Callable

from django.conf import settings

from wire.metrics import Gauge

MAX_REST_THREADS = 200  # fewer where the limit of descriptors is low
FILES_PER_THREAD = 2  # every thread opens SQLite's database and its write-ahead log
RESERVE = 160  # for files that are open from the start, Redis, the log, and the next two
HELD_CONNECTIONS = 64  # refused handshakes whose answer is held back
REJECTED_CONNECTIONS = 32  # connections beyond the maximum that get one probe answered or a 503; more are cut
NEARLY_EXHAUSTED = 8  # with so few descriptors left none counts as free: other threads open files at the same moment

# The server replaces this function: it returns the number of client connections now, and the maximum.
count_connections: Callable[[], tuple[int, int]] = lambda: (0, 1)  # noqa: E731  (a function that is replaced)


Gauge("parley_connections", "Connections of clients, of HTTP and of sockets", lambda: count_connections()[0])
Gauge("parley_connections_max", "The number of connections above which clients are refused", lambda: connections())


def limit() -> int:
    """Return the number of descriptors that this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_048_576 if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise the soft limit to the hard one; a system that rejects such a high limit gets a lower one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, 65_536, 10_240):
        if hard != resource.RLIM_INFINITY and wanted > hard:
            continue
        if soft != resource.RLIM_INFINITY and (wanted == resource.RLIM_INFINITY or wanted > soft):
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            except (ValueError, OSError):
                continue
        return


def threads() -> int:
    """Return the number of REST threads: their database files use at most a quarter of all descriptors."""
    return max(4, min(MAX_REST_THREADS, limit() // (4 * FILES_PER_THREAD)))


def connections() -> int:
    """Return the maximum number of client connections at once."""
    files = FILES_PER_THREAD * (threads() + settings.WS_DB_THREADS + 4)
    return max(8, limit() - files - RESERVE)


def exhausted() -> bool:
    """Return whether the process has almost no free descriptor now."""
    try:
        probe = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return True
    os.close(probe)
    return probe >= limit() - NEARLY_EXHAUSTED


def full() -> bool:
    """Return whether new clients are rejected, or the process has almost no free descriptor."""
    now, maximum = count_connections()
    return now >= maximum or exhausted()
