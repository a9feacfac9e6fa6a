"""Rows that a statement reads as a table: one text, one round trip and one plan for any number of rows."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

Column = tuple[str, Sequence[object]]  # its type on PostgreSQL, and the value of each row

# PostgreSQL knows how many rows a VALUES list has, and believes that a JSON text has a hundred: for few rows it would
# read whole tables. Each number of rows is a text, and a prepared statement, of its own.
ROWS_AS_VALUES = 4


def rows_as_table(name: str, **columns: Column) -> tuple[str, list[Any]]:
    """Return SQL for FROM in which `name` is a table with these columns, and its parameters.

    More than a few rows are one JSON text: arrays cost several times as much, because psycopg searches each text for
    quotes.
    """
    rows = list(zip(*(values for _, values in columns.values()), strict=True))
    if connection.vendor == "postgresql":
        kinds = tuple((column, kind) for column, (kind, _) in columns.items())
        if 0 < len(rows) <= ROWS_AS_VALUES:
            return values_table(name, kinds, len(rows)), [as_parameter(value) for row in rows for value in row]
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        types = ", ".join(f"{column} {kind}" for column, kind in kinds)
        return f"json_to_recordset(%s) AS {name}({types})", [orjson.dumps(named).decode()]
    # SQLite uses an index for a pair of values only if they have the types of its columns.
    picked = ", ".join(
        f"CAST(json_extract(value, '$[{place}]') AS {_IN_SQLITE.get(kind, kind)}) AS {column}"
        for place, (column, (kind, _)) in enumerate(columns.items())
    )
    kept = [list(_in_sqlite(row)) for row in rows]
    return f"(SELECT {picked} FROM json_each(%s)) AS {name}", [orjson.dumps(kept).decode()]


@cache
def values_table(name: str, kinds: tuple[tuple[str, str], ...], rows: int) -> str:
    """Return the SQL of a VALUES list of so many rows, with a placeholder for each value; `kinds` as in Column."""
    row = ", ".join(f"%s::{kind}" for _, kind in kinds)
    return f"(VALUES {', '.join([f'({row})'] * rows)}) AS {name}({', '.join(column for column, _ in kinds)})"


def numbered(sql: str) -> str:
    """Replace each placeholder by a numbered one ($1), as psycopg's raw cursors and PostgreSQL take them."""
    first, *others = sql.split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))


def as_parameter(value: object) -> object:
    """Convert a value so that its type does not depend on it: each combination of types is a prepared statement.

    psycopg binds an int by its size, and a null UUID by another type than a UUID; PostgreSQL reads text as any type.
    """
    return str(value) if isinstance(value, int | UUID) else value


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
    """Convert a statement's result to a time: PostgreSQL returns one, SQLite a text in UTC."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
