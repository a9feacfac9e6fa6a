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
