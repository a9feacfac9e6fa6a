"""Compiled queries: querysets whose SQL is built once and run with new values each time, for the hottest reads.

The ORM takes ten times as long to build the SQL of such a read as the database takes to run it. A `CompiledQuery`
builds a queryset with placeholders (`param`, `list_param`) in the place of values, and keeps the compiler and its SQL.
A run copies both and shadows two methods on the copies:

* `Query.get_compiler`, which a QuerySet calls to fetch its rows, returns the copy of the compiler;
* `SQLCompiler.as_sql`, which that compiler's `execute_sql` calls, returns the kept SQL and the values of this run.

These two are internal to Django and the only internals that are used. All else is Django's own code: it executes the
statement, converts the columns and makes the instances, by what `as_sql` has left on the compiler at the first run.

Runs are safe in parallel, because a run changes only its copies. Values reach the database as parameters, prepared by
the field of their placeholder, and never become part of the SQL. Checks that `as_sql` makes (that `select_for_update`
is in a transaction) happen at the first run alone. pyproject.toml bounds the version of Django, and
tests/wire/test_compiled_query.py compares statements and rows with those of a plain QuerySet, so a Django that calls
other methods fails there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

import orjson
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BigIntegerField, Field, ForeignObject, Func, Lookup, QuerySet, UUIDField, Value
from django.db.models.sql.compiler import SQLCompiler

# How many compiled queries a caller keeps for page sizes: LIMIT is part of the SQL, so each size is a query of its own.
# Clients use few sizes.
LIMITS_KEPT = 64

Row = TypeVar("Row")


class _Param(Value):
    """A placeholder for one value. It is its own entry in the parameters of the SQL, and `bind` gives its value."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def bind(self, values: dict[str, Any], connection: Any) -> Any:
        return self.output_field.get_db_prep_value(values[self.value], connection)


class _ListParam(_Param):
    """A placeholder for a list, behind `any_of`: the SQL is the same for every length."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        if connection.vendor == "postgresql":
            return f"ANY(%s::{self.output_field.db_type(connection)}[])", [self]
        return "(SELECT value FROM json_each(%s))", [self]

    def bind(self, values: dict[str, Any], connection: Any) -> Any:
        prepared = [self.output_field.get_db_prep_value(each, connection) for each in values[self.value]]
        return prepared if connection.vendor == "postgresql" else orjson.dumps(prepared).decode()


class _Listed(_ListParam):
    """A list behind `any_of` in a query that is not compiled."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        sql, _ = super().as_sql(compiler, connection)
        return sql, [self.bind({self.value: self.value}, connection)]


class _Keys(_ListParam):
    """The keys of a mapping, for `seq_for`; on SQLite its keys with their values."""

    def bind(self, values: dict[str, Any], connection: Any) -> Any:
        if connection.vendor == "postgresql":
            return list(values[self.value])
        return orjson.dumps([(key.hex, value) for key, value in values[self.value].items()]).decode()


class _Values(_ListParam):
    """The values of a mapping, in the order of _Keys."""

    def bind(self, values: dict[str, Any], connection: Any) -> Any:
        return list(values[self.value].values())


class _SeqFor(Func):
    """The integer for a UUID in a mapping of the run: one array for all keys, so the SQL is the same for any number."""

    def __init__(self, key: Any, name: str) -> None:
        super().__init__(key, output_field=BigIntegerField())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any, *_: Any, **__: Any) -> Any:
        key, params = compiler.compile(self.source_expressions[0])
        keys = _Keys(self.name, output_field=UUIDField())
        if connection.vendor != "postgresql":
            pair = "json_extract(value, '$[1]') FROM json_each(%s) WHERE json_extract(value, '$[0]')"
            return f"(SELECT {pair} = {key})", [keys, *params]
        integers = _Values(self.name, output_field=BigIntegerField())
        return f"(%s::bigint[])[array_position(%s::uuid[], {key})]", [integers, keys, *params]


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """`field__any_of=list_param(...)`: PostgreSQL looks each value of an array up in an index, at every size.

    It could plan IN with a subquery as a hash join, which reads the whole table.
    """

    lookup_name = "any_of"

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        column, column_params = self.process_lhs(compiler, connection)
        values, params = self.process_rhs(compiler, connection)
        operator = "=" if connection.vendor == "postgresql" else "IN"
        return f"{column} {operator} {values}", [*column_params, *params]


def param(name: str, field: Field[Any, Any]) -> Any:
    """Return a placeholder for the value `name` of each run; the field prepares it for the database."""
    return _Param(name, output_field=field)


def list_param(name: str, field: Field[Any, Any]) -> Any:
    """Return a placeholder behind `__any_of` for a collection of values, each prepared by the field."""
    return _ListParam(name, output_field=field)


def listed(values: Iterable[Any], field: Field[Any, Any]) -> Any:
    """Return these values for the place behind `__any_of` in a plain query."""
    return _Listed(tuple(values), output_field=field)


def seq_for(key: Any, name: str) -> Any:
    """Return an expression for the integer that the mapping `name` of each run has for this UUID; null for none."""
    return _SeqFor(key, name)


@dataclass(frozen=True, slots=True)
class _Compiled(Generic[Row]):
    """A queryset with its compiler and SQL; nothing changes them any more."""

    queryset: QuerySet[Any, Row]
    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]
    converters: dict[int, Any]  # of columns; to find them takes a tenth of the time of a page of history

    def get_compiler(self, values: dict[str, Any], using: str, **_: Any) -> SQLCompiler:
        """Replace `Query.get_compiler`: return a copy of the compiler whose `as_sql` returns the kept SQL."""
        compiler, connection = copy(self.compiler), connections[using]
        bound = [each.bind(values, connection) if isinstance(each, _Param) else each for each in self.params]
        compiler.connection = connection
        vars(compiler)["as_sql"] = lambda **_: (self.sql, bound)
        vars(compiler)["get_converters"] = lambda _: self.converters
        return compiler


class CompiledQuery(Generic[Row]):
    """A queryset that is compiled at its first run. `build` returns it, with placeholders for the values."""

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._build = build
        self._lock = Lock()  # compiling changes the queryset, so two threads must not do it at once
        self._compiled: _Compiled[Row] | None = None

    def __call__(self, **values: Any) -> list[Row]:
        """Return the rows for these values of the placeholders. Raises KeyError when a value is missing."""
        compiled = self._compiled or self._compile()
        queryset = compiled.queryset.all()
        vars(queryset.query)["get_compiler"] = partial(compiled.get_compiler, values)
        return list(queryset)

    def _compile(self) -> _Compiled[Row]:
        with self._lock:
            if self._compiled is None:
                queryset = self._build()
                compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
                sql, params = compiler.as_sql()
                columns = [column for column, *_ in compiler.select[: compiler.col_count]]
                self._compiled = _Compiled(queryset, compiler, sql, params, compiler.get_converters(columns))
            return self._compiled
