"""Plans of statements: those of SQLite, and those that PostgreSQL makes in an empty database and keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, pairwise
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.db import connection
from psycopg.adapt import PyFormat, Transformer

from settings.test import TEST_STACK

# PostgreSQL chooses by the size of the tables, and those of a test are too small for any index.
ON_SQLITE = pytest.mark.skipif(TEST_STACK != "sqlite", reason="the plan of PostgreSQL depends on the size of tables")

Statement = tuple[str, Sequence[Any]]

# What the connections of the server set, and what PostgreSQL has without: a role behind a pool may lack our settings.
SWITCHES = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")

_FIXED = re.compile(r"api_epoch|django_|auth_|pg_|sqlite_")  # tables that do not grow
_numbers = count()
_PLACEHOLDER = re.compile(r"%s|%%")


def plan_of(sql: str) -> str:
    """The plan, a line for each step."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@contextmanager
def captured() -> Iterator[dict[str, Sequence[Any]]]:
    """Collect the reads and writes of this thread, by text, with the parameters of the last run.

    On PostgreSQL below Django, because a statement may be executed by psycopg itself.
    """
    statements: dict[str, Sequence[Any]] = {}

    def keep(sql: Any, parameters: Any) -> None:
        text = sql.decode() if isinstance(sql, bytes) else str(sql)
        if text.lstrip().startswith(("SELECT", "UPDATE", "INSERT", "DELETE", "WITH")):
            statements[text] = tuple(parameters or ())

    def execute(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        keep(query, params)
        return original(cursor, query, params, **options)

    def wrap(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        keep(sql, params)
        return run(sql, params, many, context)

    if connection.vendor == "sqlite":
        with connection.execute_wrapper(wrap):
            yield statements
        return
    original: Any = psycopg.Cursor.execute
    with patch.object(psycopg.Cursor, "execute", execute):
        yield statements


class KeptPlans:
    """Statements that this connection has prepared in an empty database: each keeps the plan that it has there.

    `switches` is "off" as on the connections of the server, or "on".
    """

    def __init__(self, statements: dict[str, Sequence[Any]], switches: str = "off") -> None:
        self._switches = switches
        self._statements = [*statements.items()]
        self._names = [f"plan_{next(_numbers)}" for _ in statements]
        self._run("SET LOCAL plan_cache_mode = force_generic_plan")
        for name, (sql, parameters) in zip(self._names, self._statements, strict=True):
            self._run(f"PREPARE {name} {_types(parameters)} AS {_numbered(sql)}")
        self.scans()

    def close(self) -> None:
        """Drop the prepared statements."""
        for name in self._names:
            self._run(f"DEALLOCATE {name}")

    def scans(self) -> dict[str, set[str]]:
        """The statements that read a whole table that grows, with those tables."""
        for switch in SWITCHES:
            self._run(f"SET LOCAL {switch} = {self._switches}")
        found = {}
        for name, (sql, parameters) in zip(self._names, self._statements, strict=True):
            given = psycopg.ClientCursor(connection.connection).mogrify(", ".join(["%s"] * len(parameters)), parameters)
            plan = self._run(f"EXPLAIN (FORMAT JSON) EXECUTE {name}" + (f"({given})" if parameters else ""))
            if scanned := set(_scanned(plan[0][0][0]["Plan"])):
                found[sql] = scanned
        return found

    @staticmethod
    def _run(sql: str) -> list[Any]:
        with psycopg.ClientCursor(connection.connection) as cursor:
            cursor.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


def _numbered(sql: str) -> str:
    """Write placeholders as $1, $2 ..., as the database receives them."""
    numbers = iter(range(1, 1_000))
    return _PLACEHOLDER.sub(lambda found: "%" if found[0] == "%%" else f"${next(numbers)}", sql)


def _types(parameters: Sequence[Any]) -> str:
    """The types that psycopg gives to parameters that it binds on the server."""
    if not parameters:
        return ""
    transformer = Transformer(connection.connection)
    transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
    known = connection.connection.adapters.types
    infos = [(oid, known[oid]) if oid else (oid, None) for oid in transformer.types or ()]
    names = [f"{info.regtype}{'[]' * (oid == info.array_oid)}" if info else "unknown" for oid, info in infos]
    return f"({', '.join(names)})"


def _scanned(node: Any) -> Iterator[str]:
    is_whole = node["Node Type"] == "Seq Scan" or (node["Node Type"].startswith("Index") and "Index Cond" not in node)
    if is_whole and not _FIXED.match(node["Relation Name"]):
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child)


def scans_on_sqlite(statement: Statement) -> set[str]:
    """The tables that grow of which a statement reads all rows, from the program that SQLite compiles.

    The plan as text shows aliases; the program shows which cursors begin at the first row of a table.
    """
    sql, parameters = statement
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0")
        tables = dict(cursor.fetchall())
        cursor.execute(f"EXPLAIN {sql}", parameters)
        program = cursor.fetchall()
    opened = {row[2]: tables[row[3]] for row in program if row[1] in ("OpenRead", "OpenWrite") and row[3] in tables}
    began = [opened[row[2]] for row in program if row[1] in ("Rewind", "Last") and row[2] in opened]
    return {table for table in began if not _FIXED.match(table)}


def believe_on_sqlite(rows: int) -> None:
    """Let SQLite's planner believe that each table has so many rows, by the statistics that it would have collected."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("UPDATE sqlite_stat1 SET stat = %s || substr(stat, instr(stat || ' ', ' '))", [str(rows)])
        cursor.execute("ANALYZE sqlite_schema")  # loads them


def grow(first: int, last: int) -> None:
    """Add users, sessions, rooms, heads, memberships and periods with these numbers, and as many messages to one room.

    The ids are those of PostgreSQL's md5 of the numbers. No statistics are collected.
    """
    uuid = "md5('{}' || n)::uuid"
    room, user, message = uuid.format("room"), uuid.format("user"), uuid.format("message")
    busy, author = "md5('room1')::uuid", "md5('user1')::uuid"
    for sql in (
        f"accounts_user (id, password, username, display_name, metadata, is_active, created_at) SELECT {user}, '!',"
        " 'grown-' || n, 'Grown', '{}', true, now()",
        "accounts_session (id, user_id, token_hash, name, platform, created_at, last_used_at, expires_at) SELECT"
        f" {uuid.format('session')}, {user}, sha256(n::text::bytea), '', '', now(), now(), now() + '1 day'",
        f"api_room (id, kind, name, topic, metadata, history, member_count, created_at) SELECT {room}, 'private', 'R',"
        " '', '{}',"
        " CASE n % 2 WHEN 0 THEN 'shared' ELSE 'since_joined' END, 1, now()",
        f"api_streamhead (stream, last_seq) SELECT {room}, 1",
        f"api_streamhead (stream, last_seq) SELECT {user}, 0",
        "api_member (room_id, user_id, role, state, joined_at, joined_seq, read_seq, put_by_other) SELECT"
        f" {room}, {user}, 'owner', 'joined', now(), 1, 1, false",
        f"api_interval (room_id, user_id, joined_seq) SELECT {room}, {user}, 1",
        "api_message (id, room_id, seq, version, sender_id, client_id, digest, created_at, data, thread_root,"
        f" in_main_line) SELECT {message}, {busy}, n, n, {author}, n::text, '', now(), '{{}}',"
        " CASE n % 3 WHEN 0 THEN md5('message1')::uuid END, n % 3 <> 0",
        f"api_thread (root_id, root_seq, last_seq, active_at) SELECT {message}, n, n, now()",
        "api_threadfollow (room_id, thread_id, user_id, following, read_seq) SELECT"
        f" {busy}, {message}, {user}, n % 2 = 0, 0",
        "api_mention (target, room_id, message_id, sender_id, seq, in_main_line, created_at) SELECT"
        f" {user}, {busy}, {message}, {author}, n, n % 3 <> 0, now()",
        f"api_draft (user_id, room_id, place, text, metadata, updated_at) SELECT {user}, {busy}, {busy}, '', '{{}}',"
        " now()",
        "api_event (stream, seq, type, actor_id, message_id, data, at) SELECT"
        f" {busy}, n, 'message.created', {author}, {message}, '{{}}', now()",
    ):
        KeptPlans._run(f"INSERT INTO {sql} FROM generate_series({first}, {last}) AS n")


def empty_tables() -> None:
    """Empty all tables, as they are before the first row: without statistics, pages, and checks of foreign keys."""
    tables = [name for name in connection.introspection.table_names() if not _FIXED.match(name)]
    # A transaction of the test may have left its short limit here; autovacuum gives a table back only after a second.
    KeptPlans._run("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SET CONSTRAINTS ALL IMMEDIATE")
    KeptPlans._run(f"TRUNCATE {', '.join(tables)} CASCADE")
    for table, name in KeptPlans._run("SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f'"):
        KeptPlans._run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def believe(rows: float) -> None:
    """Let the planner believe that the analyzed tables have this many times their rows.

    It multiplies the real pages with the rows of each page, and it scales the distinct values of a key. The pages stay
    few, so a scan looks cheaper than it would be: what keeps its index here keeps it in a table of that size.
    """
    KeptPlans._run(f"UPDATE pg_class SET reltuples = reltuples * {rows} WHERE relnamespace = 'public'::regnamespace")


def scans_after_growth(
    statements: dict[str, Sequence[Any]], sizes: Sequence[int], believed: Sequence[int] = ()
) -> dict[str, list[tuple[int, str, str]]]:
    """Prepare the statements in an empty database, and let it grow to each size: what reads a whole table, and which.

    The last size is looked at twice: with the kept plans, and with new ones from statistics; the believed sizes with
    new ones. The keys of the result are "off" and "on": the planner's switches. Call it in a transaction that is rolled
    back.
    """
    empty_tables()
    found: dict[str, list[tuple[int, str, str]]] = {"off": [], "on": []}
    kept = {switches: KeptPlans(statements, switches) for switches in found}

    def look(size: int) -> None:
        for switches, plans in kept.items():
            found[switches] += [(size, table, sql) for sql, tables in plans.scans().items() for table in sorted(tables)]

    for before, size in pairwise([0, *sizes]):
        grow(before + 1, size)
        look(size)
    KeptPlans._run("ANALYZE")
    KeptPlans._run("SET LOCAL plan_cache_mode = force_custom_plan")
    look(sizes[-1])
    for before, size in pairwise([sizes[-1], *believed]):
        believe(size / before)
        look(size)
    for plans in kept.values():
        plans.close()
    return found
