"""Queries that are built once, for the hottest reads: the ORM takes ten times as long to write SQL as to run it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

import orjson
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

LIMITS_KEPT = 64  # of pages: a LIMIT is part of the SQL, so each that is asked for is a statement, and apps ask for few

Row = TypeVar("Row")


class _Param(Value):
    """The place of a value in a prepared query. It goes in among the parameters, and `bind` replaces it there."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def bind(self, values: dict[str, Any], connection: Any) -> Any:
        return self.output_field.get_db_prep_value(values[self.value], connection)


class _ListParam(_Param):
    """The place of a list: `IN` takes it as a subquery, so the SQL does not depend on its length."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        if connection.vendor == "postgresql":
            return f"(SELECT unnest(%s::{self.output_field.db_type(connection)}[]))", [self]
        return "(SELECT value FROM json_each(%s))", [self]

    def bind(self, values: dict[str, Any], connection: Any) -> Any:
        prepared = [self.output_field.get_db_prep_value(each, connection) for each in values[self.value]]
        return prepared if connection.vendor == "postgresql" else orjson.dumps(prepared).decode()


def param(name: str, field: Field[Any, Any]) -> Any:
    """Stands in a queryset for a value that every run brings; the field says how the database wants it."""
    return _Param(name, output_field=field)


def list_param(name: str, field: Field[Any, Any]) -> Any:
    """A placeholder behind `__in`, for a collection of values of that field."""
    return _ListParam(name, output_field=field)


@dataclass(frozen=True, slots=True)
class _Made(Generic[Row]):
    """A queryset and its SQL; nothing of it changes any more."""

    queryset: QuerySet[Any, Row]
    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]
    converters: dict[int, Any]  # of columns; to find them takes a tenth of the time of a page of history

    def compile(self, values: dict[str, Any], using: str, **_: Any) -> SQLCompiler:
        """The compiler that Django runs a query with; its SQL is there already."""
        compiler, connection = copy(self.compiler), connections[using]
        bound = [each.bind(values, connection) if isinstance(each, _Param) else each for each in self.params]
        compiler.connection = connection
        vars(compiler)["as_sql"] = lambda **_: (self.sql, bound)
        vars(compiler)["get_converters"] = lambda _: self.converters
        return compiler


class CompiledQuery(Generic[Row]):
    """A queryset whose SQL is made at its first run. What `build` returns stays one definition, in the ORM's words."""

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._build = build
        self._lock = Lock()  # making SQL changes the queryset: two threads that come first must not do it at once
        self._made: _Made[Row] | None = None

    def __call__(self, **values: Any) -> list[Row]:
        """The rows, for these values of the params."""
        made = self._made or self._make()
        queryset = made.queryset.all()
        vars(queryset.query)["get_compiler"] = partial(made.compile, values)
        return list(queryset)

    def _make(self) -> _Made[Row]:
        with self._lock:
            if self._made is None:
                queryset = self._build()
                compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
                sql, params = compiler.as_sql()
                columns = [column for column, *_ in compiler.select[: compiler.col_count]]
                self._made = _Made(queryset, compiler, sql, params, compiler.get_converters(columns))
            return self._made
