"""Reads that are bounded by bytes, where the bytes are: in the database, before a row is fetched."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db import connection
from django.db.models import BinaryField, Case, Expression, F, Func, IntegerField, RowRange, Sum, When, Window
from django.db.models.expressions import Combinable
from django.db.models.lookups import LessThan

# Of one answer of REST. With what surrounds a connection a reader that has stopped costs half of the 2 MiB of G8.
ANSWER_BYTES = 1024 * 1024
UNBOUNDED = 2**53

# PostgreSQL's type for text of fixed length: stored and sent as text is, and used by no table of ours. Its values stay
# the bytes that they come as. (bytea would come as hexadecimal digits.)
_BYTES_ON_THE_WIRE = "bpchar"


def sql_of_bytes(text: str) -> str:
    """A text as the bytes of its UTF-8: one emoji in it makes a Python string four times as large."""
    return f"{text}::{_BYTES_ON_THE_WIRE}" if connection.vendor == "postgresql" else f"CAST({text} AS BLOB)"


def sql_of_size(text: str) -> str:
    """SQL for the number of bytes of a text; PostgreSQL knows it of a long value without reading it."""
    return f"OCTET_LENGTH({text})" if connection.vendor == "postgresql" else f"LENGTH(CAST({text} AS BLOB))"


class StoredBytes(Func):
    """See `sql_of_bytes`."""

    output_field = BinaryField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template=sql_of_bytes("%(expressions)s"))


class StoredSize(Func):
    """See `sql_of_size`."""

    output_field = IntegerField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template=sql_of_size("%(expressions)s"))


def within(column: str, budget: Any, *order: Any, size: Combinable | None = None) -> Expression:
    """The bytes of a text column, or NULL from the first row on before which the rows hold `budget` bytes.

    The first row always comes, and of rows that end here their bytes are at least the budget. `order` is that of the
    rows, and total. `size` is what a row counts for, instead of the length of the column.
    """
    size = StoredSize(F(column)) if size is None else size
    so_far = Window(Sum(size, output_field=IntegerField()), order_by=list(order), frame=RowRange(None, 0))
    return Case(When(LessThan(so_far - size, budget), then=StoredBytes(F(column))), output_field=BinaryField())


with suppress(ImportError):  # without the extra `postgres`
    import psycopg
    from psycopg.adapt import Loader

    class _BytesLoader(Loader):
        load = staticmethod(bytes)  # type: ignore[assignment]  # called in C, without a frame of Python

    psycopg.adapters.register_loader(_BYTES_ON_THE_WIRE, _BytesLoader)
