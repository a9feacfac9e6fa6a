"""Rows that a statement reads as a table: one parameter, one round trip and one plan for any number of rows."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

Column = tuple[str, Sequence[object]]  # its type on PostgreSQL, and the value of each row


def rows_as_table(name: str, **columns: Column) -> tuple[str, list[Any]]:
    """Return SQL for FROM in which `name` is a table with these columns, and its parameter.

    The rows are one JSON text: arrays cost several times as much, because psycopg searches each text for quotes.
    """
    rows = zip(*(values for _, values in columns.values()), strict=True)
    kinds = {column: kind for column, (kind, _) in columns.items()}
    if connection.vendor == "postgresql":
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        types = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
        return f"json_to_recordset(%s) AS {name}({types})", [orjson.dumps(named).decode()]
    # SQLite uses an index for a pair of values only if they have the types of its columns.
    picked = ", ".join(
        f"CAST(json_extract(value, '$[{place}]') AS {_IN_SQLITE.get(kind, kind)}) AS {column}"
        for place, (column, kind) in enumerate(kinds.items())
    )
    kept = [list(_in_sqlite(row)) for row in rows]
    return f"(SELECT {picked} FROM json_each(%s)) AS {name}", [orjson.dumps(kept).decode()]


def insert(table: str, **columns: Column) -> None:
    """Insert rows, as bulk_create does, without its cost for each value."""
    rows, parameters = rows_as_table("given", **columns)
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows}", parameters)


_IN_SQLITE = {"uuid": "text", "timestamptz": "text"}


def _in_sqlite(row: Sequence[object]) -> Iterator[object]:
    """Convert values to the form in which Django stores them in SQLite: a UUID is 32 digits, a time has no zone."""
    for value in row:
        if isinstance(value, UUID):
            yield value.hex
        else:
            yield connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def as_uuid(value: UUID | str) -> UUID:
    """Convert a statement's result to a UUID: PostgreSQL returns one, SQLite its digits."""
    return value if isinstance(value, UUID) else UUID(value)


def as_time(value: datetime | str) -> datetime:
    """Convert a statement's result to a time: PostgreSQL returns one, SQLite its text in UTC."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
