"""Database connections of the current thread."""

from collections.abc import Callable, Iterable

from django.db import connections

from wire.metrics import ReadMetric, Sample


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


def _pool(name: str, factor: float = 1) -> Callable[[], Iterable[Sample]]:
    """Return a reader of one number of psycopg's pool. Without PostgreSQL, or before its first query, there is none."""

    def read() -> Iterable[Sample]:
        pool = getattr(connections["default"], "_connection_pools", {}).get("default")
        return [] if pool is None else [((), pool.get_stats().get(name, 0) * factor)]

    return read


_PREFIX = "parley_database_pool_"
ReadMetric("gauge", f"{_PREFIX}connections", "Connections to PostgreSQL", _pool("pool_size"))
ReadMetric("gauge", f"{_PREFIX}connections_max", "The setting DATABASE_POOL_SIZE", _pool("pool_max"))
ReadMetric("gauge", f"{_PREFIX}connections_free", "Connections that nobody uses", _pool("pool_available"))
ReadMetric("gauge", f"{_PREFIX}waiting", "Threads that wait for a connection", _pool("requests_waiting"))
ReadMetric("counter", f"{_PREFIX}waits_total", "Times that a thread had to wait", _pool("requests_queued"))
ReadMetric("counter", f"{_PREFIX}wait_seconds_total", "Time of these waits", _pool("requests_wait_ms", 0.001))
ReadMetric("counter", f"{_PREFIX}timeouts_total", "Waits that got no connection", _pool("requests_errors"))
