"""The pool of connections to PostgreSQL, which checks a connection without a query while it was checked lately."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from wire import connections

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pool")


class Counted(psycopg.Connection[Any]):
    """A connection that counts its queries."""

    queries = 0

    def execute(self, *args: Any, **options: Any) -> Any:
        self.queries += 1
        return super().execute(*args, **options)


@pytest.fixture
def pool() -> Iterator["ConnectionPool[Counted]"]:
    with ConnectionPool(
        os.environ["DATABASE_URL"],
        connection_class=Counted,
        kwargs={"autocommit": True},
        min_size=1,
        max_size=1,
        check=ConnectionPool.check_connection,
        timeout=30,
    ) as pool:
        yield pool


def test_a_connection_is_asked_once_in_some_seconds(
    pool: "ConnectionPool[Counted]", monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        with pool.connection() as taken:
            queries = taken.queries
    monkeypatch.setattr(connections, "CHECK_SECONDS", 0.0)
    with pool.connection() as taken:
        assert (queries, taken.queries) == (1, 2)


def test_a_connection_that_the_database_has_ended_is_replaced(pool: "ConnectionPool[Counted]") -> None:
    with pool.connection() as taken:
        ended = taken.info.backend_pid

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 30000)", [ended])  # returns when the process is gone

    with pool.connection() as taken:
        assert taken.info.backend_pid != ended
        assert taken.execute("SELECT 1").fetchone() == (1,)
