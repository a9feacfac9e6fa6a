"""Reads bounded by bytes: the database counts them, so that no row beyond the bound is fetched."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db import connection
from django.db.models import BinaryField, Case, Expression, F, Func, IntegerField, RowRange, Sum, When, Window
from django.db.models.expressions import Combinable
from django.db.models.lookups import LessThan

# The largest response of REST. With the buffers of its connection it takes half of the 2 MiB that guarantee G8 allows
# for a client that has stopped reading.
ANSWER_BYTES = 1024 * 1024
UNBOUNDED = 2**53

# PostgreSQL's type for text of fixed length. It is stored and sent like text, and no table of Parley uses it, so the
# loader below can return its values as bytes. (PostgreSQL would send bytea as hexadecimal digits.)
_TYPE_OF_BYTES = "bpchar"


def sql_of_bytes(text: str) -> str:
    """Return SQL for the UTF-8 bytes of a text. As a Python string, a text with one emoji is four times as large."""
    return f"{text}::{_TYPE_OF_BYTES}" if connection.vendor == "postgresql" else f"CAST({text} AS BLOB)"


def sql_of_size(text: str) -> str:
    """Return SQL for the number of bytes of a text. PostgreSQL stores it with a long value, and reads nothing else."""
    return f"OCTET_LENGTH({text})" if connection.vendor == "postgresql" else f"LENGTH(CAST({text} AS BLOB))"


class StoredBytes(Func):
    """The bytes of a text; see `sql_of_bytes`."""

    output_field = BinaryField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template=sql_of_bytes("%(expressions)s"))


class StoredSize(Func):
    """The number of bytes of a text; see `sql_of_size`."""

    output_field = IntegerField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template=sql_of_size("%(expressions)s"))


def bytes_within(column: str, budget: Any, *order: Any, size: Combinable | None = None) -> Expression:
    """Return the bytes of a text column, or NULL for every row before which the rows hold `budget` bytes or more.

    The first row is never NULL. `order` is the order of the rows and must be total. `size` replaces the length of the
    column as the size of a row.
    """
    size = StoredSize(F(column)) if size is None else size
    so_far = Window(Sum(size, output_field=IntegerField()), order_by=list(order), frame=RowRange(None, 0))
    return Case(When(LessThan(so_far - size, budget), then=StoredBytes(F(column))), output_field=BinaryField())


with suppress(ImportError):  # without the extra `postgres`
    import psycopg
    from psycopg.adapt import Loader

    class _BytesLoader(Loader):
        load = staticmethod(bytes)  # type: ignore[assignment]  # C calls it directly, without a Python frame

    psycopg.adapters.register_loader(_TYPE_OF_BYTES, _BytesLoader)
