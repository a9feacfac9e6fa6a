"""Several server processes on one database and, on the PostgreSQL stack, one Redis."""

from __future__ import annotations

import functools
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from settings.test import TEST_STACK
from tests.forked import run_manage
from tests.identity.backends import SECRET
from tests.servers import ParleyServer, prepare

# For tests that do not depend on the server: they run on daphne only.
ONCE = pytest.mark.parametrize("here", ["daphne"], indirect=True)
HAS_REDIS = TEST_STACK == "postgres"
ACROSS_SECONDS = 2.0 if HAS_REDIS else 5.0  # for a revocation to reach every process (G6)


class Deployment:
    """Made empty, ended with everything in it."""

    def __init__(self, servers: Sequence[str], **env: str) -> None:
        first = ParleyServer(server=servers[0], env=env)
        database = new_database() if HAS_REDIS else first.environment["DATABASE_URL"]
        shared = {
            "DATABASE_URL": database,
            "REDIS_URL": os.environ["REDIS_URL"] if HAS_REDIS else "",
            "REDIS_PREFIX": f"test-{uuid4().hex[:8]}",
            "DJANGO_SETTINGS_MODULE": "tests.realtime.live_settings",
            "CORS_ALLOWED_ORIGINS": "https://app.example.com",
            "JWT_SECRET": SECRET,
            "JWT_AUDIENCE": "parley",
            **env,
        }
        self.servers = [first, *(ParleyServer(server=name, env=shared) for name in servers[1:])]
        first.environment |= shared

    def __enter__(self) -> Self:
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.await_answer()
        return self

    def __exit__(self, *exception: object) -> None:
        for server in self.servers:
            server.stop()

    @contextmanager
    def holding(self, room_id: str) -> Iterator[None]:
        """Keep a room from changing, as a slow transaction would: its head's row; on SQLite the one write lock."""
        if HAS_REDIS:
            with psycopg.connect(self.servers[0].environment["DATABASE_URL"]) as connection:
                connection.execute("SELECT 1 FROM api_streamhead WHERE stream = %s FOR UPDATE", [room_id])
                yield
                connection.rollback()
            return
        path = self.servers[0].environment["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def manage(self, *arguments: str) -> str:
        """Run a management command beside the servers, and return what it prints."""
        done = run_manage(*arguments, env=self.servers[0].environment)
        done.check_returncode()
        return done.stdout


def new_database() -> str:
    """Create an empty database, migrated, on the PostgreSQL of the tests, and return its URL."""
    name = f"sockets_{uuid4().hex[:8]}"
    create_database(name, migrated_database())
    return _url_of(name)


@functools.cache
def migrated_database() -> str:
    """An empty Parley that nobody is connected to: the template of the others."""
    name = f"template_{uuid4().hex[:8]}"
    create_database(name, "template1")
    prepare(_url_of(name))
    return name


def create_database(name: str, template: str) -> None:
    """Create a database as a copy of another one."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())


def _url_of(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
