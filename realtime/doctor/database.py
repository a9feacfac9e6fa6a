"""The doctor's examination of the database: durability, migrations, connections, rights, clock and background jobs."""

import sqlite3
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import DatabaseError, NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor

from api.services import jobs
from realtime.doctor.findings import Finding, Level
from wire.outages import cause_of

CLOCK_SECONDS = 2.0  # typing and session times begin to look odd
BAD_CLOCK_SECONDS = 20.0  # hints that are not in the log expire after 30
JOB_LAG_SECONDS = 60.0
# Settings of PostgreSQL with the values that keep an acknowledged message through a crash of the machine (G1).
DURABLE = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
}


def examine_database() -> Iterator[Finding]:
    """Examine the database of DATABASE_URL; without an answer there is one finding."""
    try:
        connection.ensure_connection()
        connection.check_database_version_supported()
    except NotSupportedError as error:
        yield Finding("database.version", Level.ERROR, str(error), "Upgrade the database server.")
        return
    except DatabaseError as error:
        text = f"The database of DATABASE_URL does not answer: {cause_of(error)}."
        yield Finding("database.unreachable", Level.ERROR, text, "Start it, or correct DATABASE_URL.")
        return
    is_postgres = connection.vendor == "postgresql"
    yield from _examine_postgres() if is_postgres else _examine_sqlite()
    is_migrated = True
    for finding in _examine_migrations():
        is_migrated = is_migrated and finding.level != Level.ERROR
        yield finding
    if is_migrated:
        yield from _examine_jobs()


def _examine_migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    if missing:
        text = f"{len(missing)} migrations are not applied, the first is {missing[0]}."
        yield Finding("migrations.missing", Level.ERROR, text, "Run `manage.py prepare`; `serve` does it, too.")
    known = set(executor.loader.disk_migrations)
    apps = {app for app, _ in known}
    newer = sorted(f"{app}.{name}" for app, name in executor.loader.applied_migrations if app in apps)
    newer = [each for each in newer if tuple(each.split(".")) not in known]
    if newer:
        text = f"The database has migrations of a newer version: {', '.join(newer)}."
        yield Finding("migrations.newer", Level.WARNING, text, "Run the version that made them.")


def _examine_jobs() -> Iterator[Finding]:
    figures = jobs.read_figures()
    if figures.lag_seconds > JOB_LAG_SECONDS:
        text = f"{figures.due} background jobs are due, the oldest since {figures.lag_seconds:.0f} s."
        remedy = "Start a server, or with RUN_JOBS=0 a `manage.py worker`; a server begins with its first request."
        yield Finding("jobs.lag", Level.ERROR, text, remedy)
    if figures.failing:
        text = f"{figures.failing} background jobs failed and wait to be tried again."
        yield Finding("jobs.failing", Level.WARNING, text, "The log of the servers has the reason.")


def _examine_sqlite() -> Iterator[Finding]:
    yield Finding("versions.database", Level.NOTE, f"SQLite {sqlite3.sqlite_version}.")
    [journal] = _read("PRAGMA journal_mode")
    if journal.lower() != "wal":
        yield Finding(
            "database.journal_mode",
            Level.ERROR,
            f"SQLite's journal_mode is {journal}, not wal: readers and writers wait for each other.",
            "Keep the file on a local disk; network file systems have no WAL.",
        )
    [synchronous] = _read("PRAGMA synchronous")
    if synchronous < 2:
        yield Finding(
            "database.synchronous",
            Level.ERROR,
            "SQLite's synchronous is below full: a power failure loses acknowledged messages (G1).",
            "Remove ?synchronous=normal from DATABASE_URL.",
        )


def _examine_postgres() -> Iterator[Finding]:
    [version] = _read("SHOW server_version")
    yield Finding("versions.database", Level.NOTE, f"PostgreSQL {version}.")
    for name, durable in DURABLE.items():
        [value] = _read(f"SHOW {name}")
        if value not in durable:
            text = f"{name} is {value}: a crash of the database's machine loses acknowledged messages (G1)."
            remedy = f"Set {name} = on, in postgresql.conf and for the role and the database."
            yield Finding(f"database.{name}", Level.ERROR, text, remedy)
    [read_only] = _read("SHOW transaction_read_only")
    if read_only == "on":
        text = "The database takes no writes: it is a standby, or set to read-only."
        yield Finding("database.read_only", Level.ERROR, text, "Point DATABASE_URL at the primary.")
    [encoding] = _read("SHOW server_encoding")
    if encoding != "UTF8":
        text = f"The database is encoded in {encoding}: it cannot store every text."
        yield Finding("database.encoding", Level.ERROR, text, "Create it with ENCODING 'UTF8', and move with export.")
    yield from _examine_connections()
    [is_superuser] = _read("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if is_superuser:
        text = "The servers connect as a superuser, who can read files and run programs."
        yield Finding("database.superuser", Level.WARNING, text, "Use a role of its own; compose.yaml shows how.")
    yield from _examine_clock()


def _examine_connections() -> Iterator[Finding]:
    [available] = _read(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    )
    pool = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] * settings.WORKERS
    if pool > available:
        text = f"{settings.WORKERS} processes may open {pool} connections, and PostgreSQL allows {available}."
        remedy = "Raise max_connections, or lower DATABASE_POOL_SIZE or WORKERS; count every machine."
        yield Finding("database.connections", Level.ERROR, text, remedy)


def _examine_clock() -> Iterator[Finding]:
    before = time.time()
    [theirs] = _read("SELECT extract(epoch FROM clock_timestamp())::float8")
    after = time.time()
    # The answer is of a moment between the two readings: only what lies outside is a difference.
    difference = max(before - theirs, theirs - after, 0.0)
    if difference > CLOCK_SECONDS:
        level = Level.ERROR if difference > BAD_CLOCK_SECONDS else Level.WARNING
        text = f"This machine's clock and that of the database differ by {difference:.1f} s."
        yield Finding("clock.differs", level, text, "Run NTP on both machines.")


def _read(sql: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
