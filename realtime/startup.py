"""Conditions for serving: the schema is current and the room `lobby` exists."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from accounts import reserve
from api.services import rooms
from wire.outages import cause_of, is_lock_timeout, is_outage

logger = logging.getLogger(__name__)

ADVISORY_LOCK = 0x9A21E7  # any number that no other user of the database takes
# While a migration waits for a table, all requests to the table queue behind it. So it gives way after this time and
# begins anew, as long as a backup or an operator's transaction may hold the table.
TABLE_LOCK_SECONDS = 1
TABLE_LOCK_ATTEMPTS = 600


def prepare() -> int:
    """Migrates and makes the lobby; returns the number of migrations that were applied.

    Many processes may do so at once: the first takes a lock (an advisory one on PostgreSQL, one on a file
    beside SQLite's) and the others wait for it. Raises CommandError when the database is away or cannot be written.
    """
    try:
        with _one_at_a_time():
            applied = _migrate()
            rooms.ensure_lobby()
        reserve.fill()
    except (DatabaseError, OSError) as error:
        if isinstance(error, DatabaseError) and not is_outage(error):
            raise
        raise CommandError(f"The database of DATABASE_URL cannot be prepared: {cause_of(error)}") from error
    finally:
        _forget_connections()
    return applied


def _migrate() -> int:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A long migration is not a request that hangs, and it reads whole tables.
            cursor.execute(f"SET statement_timeout = 0; SET lock_timeout = '{TABLE_LOCK_SECONDS}s'")
            cursor.execute("SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on")
    for attempt in range(1, TABLE_LOCK_ATTEMPTS + 1) if plan else ():
        try:
            call_command("migrate", interactive=False, verbosity=0)
            break
        except OperationalError as error:
            if not is_lock_timeout(error) or attempt == TABLE_LOCK_ATTEMPTS:
                raise
            logger.warning("A migration waits for a table: %s", cause_of(error))
            time.sleep(TABLE_LOCK_SECONDS)
    return len(plan)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if connection.vendor == "postgresql":
        # In a transaction of another connection: behind a transaction pool the lock of a session would never end.
        with closing(connections.create_connection(DEFAULT_DB_ALIAS)) as holder:
            holder.set_autocommit(False)
            with holder.cursor() as cursor:
                for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                    cursor.execute(f"SET LOCAL {limit} = 0")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            yield  # the lock ends with the transaction, also when the process dies
            holder.rollback()
        return
    with open(f"{connection.settings_dict['NAME']}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_connections() -> None:
    connection.close()
    if connection.vendor == "postgresql":
        # Closing only hands it back to the pool, with its lifted limits.
        connection.close_pool()  # type: ignore[attr-defined]
