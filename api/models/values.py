"""Values that a statement reads as a table: one round trip and one plan, however many there are."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

Column = tuple[str, Sequence[object]]  # its type on PostgreSQL, and the value of each row


def as_table(name: str, **columns: Column) -> tuple[str, list[Any]]:
    """What to write after FROM so that `name` has these columns, and the parameters that belong there."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind, _ in columns.values())
        return f"unnest({arrays}) AS {name}({', '.join(columns)})", [list(values) for _, values in columns.values()]
    rows = list(zip(*(_in_sqlite(*column) for column in columns.values()), strict=True))
    # SQLite looks a pair of values up in an index only when they are of the types of its columns.
    picked = ", ".join(
        f"CAST(json_extract(value, '$[{place}]') AS {'text' if kind == 'uuid' else kind}) AS {column}"
        for place, (column, (kind, _)) in enumerate(columns.items())
    )
    return f"(SELECT {picked} FROM json_each(%s)) AS {name}", [orjson.dumps(rows).decode()]


def _in_sqlite(kind: str, values: Sequence[object]) -> Sequence[object]:
    """As Django keeps them there: a UUID is 32 digits."""
    return [value.hex if isinstance(value, UUID) else value for value in values] if kind == "uuid" else values


def as_uuid(value: UUID | str) -> UUID:
    """What a statement answers for a UUID: PostgreSQL one, SQLite its digits."""
    return value if isinstance(value, UUID) else UUID(value)
