"""File descriptors: how many this process may open, and how they are divided between clients, database and the rest.

A process without descriptors can open no database file, write no answer and say nothing of it in its log. So clients
get only what is left when the database and a reserve are counted.
"""

import os
import resource
from collections.abc import Callable

from django.conf import settings

THREADS = 200  # of REST, where there are descriptors enough
FILES_OF_THREAD = 2  # SQLite's database and its log, each opened by every thread
RESERVE = 96  # for what is open at the start, for Redis, the log and BRIEF
BRIEF = 32  # connections above the cap that are only told so
NEARLY = 8  # so few descriptors left count as none: other threads take them at the same moment

# Set by the server: connections of clients now, and the most that it takes.
count_connections: Callable[[], tuple[int, int]] = lambda: (0, 1)  # noqa: E731  (a function that is replaced)


def limit() -> int:
    """The number of descriptors that this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_048_576 if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise the soft limit to the hard one, which the operator means; a system that refuses that much gets less."""
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
    """The threads of REST: their database files use a quarter of all descriptors at most."""
    return max(4, min(THREADS, limit() // (4 * FILES_OF_THREAD)))


def connections() -> int:
    """The most connections of clients at once."""
    files = FILES_OF_THREAD * (threads() + settings.WS_DB_THREADS + 4)
    return max(8, limit() - files - RESERVE)


def exhausted() -> bool:
    """Return whether hardly any descriptor is left now."""
    try:
        probe = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return True
    os.close(probe)
    return probe >= limit() - NEARLY


def full() -> bool:
    """Return whether new clients are refused, or would be soon for want of descriptors."""
    now, most = count_connections()
    return now >= most or exhausted()
