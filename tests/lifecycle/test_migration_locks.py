"""A migration that has to wait for a table, on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from settings.test import TEST_STACK
from tests.eventlog.release import load_database
from tests.servers import ROOT, ParleyServer
from tests.services import wait_until

WAITING = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'accounts_user'::regclass"


@pytest.mark.skipif(TEST_STACK != "postgres", reason="SQLite has one writer, and readers never wait")
def test_requests_go_on_while_a_migration_waits_for_a_backup() -> None:
    server = ParleyServer()
    url = load_database(server)
    with psycopg.connect(url) as backup, psycopg.connect(url, autocommit=True) as client:
        backup.execute("LOCK TABLE accounts_user IN ACCESS SHARE MODE")  # as pg_dump does
        migration = subprocess.Popen([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=server.environment)
        wait_until(lambda: client.execute(WAITING).rowcount == 1, seconds=60, what="the migration does not wait")

        # Would wait as long as the migration, if that did not give way.
        client.execute("SET statement_timeout = '30s'")
        assert client.execute("SELECT count(*) FROM accounts_user").fetchone() == (3,)
        assert migration.poll() is None
        backup.rollback()

        assert migration.wait(timeout=120) == 0
        assert client.execute("SELECT count(*) FROM accounts_user").fetchone() == (3,)
