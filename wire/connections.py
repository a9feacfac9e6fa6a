"""Database connections of the current thread."""

import select
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

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


def close_ended_connections() -> None:
    """Close those of this thread's connections that the database has ended since their last use.

    For threads that keep their connection: the first call after a restart of the database would fail.
    """
    for used in connections.all(initialized_only=True):
        if used.vendor == "postgresql" and used.connection and not used.in_atomic_block and _has_word(used.connection):
            used.close()


def _has_word(connection: Any) -> bool:
    """True when a connection has ended, or the last word of the database waits in its socket to be read."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


CHECK_SECONDS = 5.0  # shorter than the time after which a network forgets a silent connection


def _install_check() -> None:
    """Have psycopg's pool check a connection by a query once in CHECK_SECONDS, and else by its socket alone.

    A query for each request would cost as much as the reading of its session.
    """
    from psycopg_pool import ConnectionPool

    ask = ConnectionPool.check_connection

    def check(connection: Any) -> None:
        now = time.monotonic()
        if now - vars(connection).get("asked_at", 0.0) >= CHECK_SECONDS or _has_word(connection):
            ask(connection)
            vars(connection)["asked_at"] = now

    ConnectionPool.check_connection = staticmethod(check)  # type: ignore[assignment]  # Django takes no other


with suppress(ImportError):  # without the extra `postgres` there is no pool
    _install_check()


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
