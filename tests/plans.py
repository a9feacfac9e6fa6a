"""Query plans of SQLite, for tests that a read uses its index."""

import pytest
from django.db import connection

from settings.test import TEST_STACK

# PostgreSQL chooses by the size of the tables, and those of a test are too small for any index.
ON_SQLITE = pytest.mark.skipif(TEST_STACK != "sqlite", reason="the plan of PostgreSQL depends on the size of tables")


def plan_of(sql: str) -> str:
    """The plan, a line for each step."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
