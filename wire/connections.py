"""Database connections of the current thread."""

from django.db import connections


def release_connections() -> None:
    """Close this thread's connections before it waits for another thread.

    Waiting threads could otherwise hold the whole pool and block the thread that they wait for. A connection in a
    transaction stays open.
    """
    for used in connections.all(initialized_only=True):
        if not used.in_atomic_block:
            used.close()


def close_broken_connections() -> None:
    """Close those of this thread's connections that an error has made unusable.

    A thread that serves no requests keeps its connection: opening another costs a round trip or a file.
    """
    for used in connections.all(initialized_only=True):
        if used.errors_occurred:
            used.close_if_unusable_or_obsolete()
