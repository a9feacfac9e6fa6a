"""The two databases with the ways to back up, lose and restore them that docs/deploy.md names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from settings.test import TEST_STACK
from tests.forked import run_manage
from tests.packaging.cluster import Cluster
from tests.servers import ParleyServer
from tests.services import redis


class Database(Protocol):
    """A database with one server on it."""

    server: ParleyServer

    def back_up(self) -> None:
        """Back up while the server runs."""

    def lose(self) -> None:
        """Destroy everything but the backup."""

    def restore(self) -> None:
        """Restore the backup."""

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py."""


class Sqlite:
    """A file, which is copied by SQLite's backup API, as the command `.backup` does."""

    def __init__(self, folder: Path) -> None:
        self.file, self.backup = folder / "parley.sqlite3", folder / "backup.sqlite3"
        self.server = ParleyServer(f"sqlite:///{self.file}")

    def back_up(self) -> None:
        _copy(self.file, self.backup)

    def lose(self) -> None:
        for file in self.file.parent.glob(f"{self.file.name}*"):
            file.unlink()

    def restore(self) -> None:
        _copy(self.backup, self.file)

    def manage(self, *arguments: str) -> None:
        run_manage(*arguments, env=self.server.environment).check_returncode()


class Postgres:
    """The PostgreSQL of compose.yaml, with the scripts of its services `backup` and `restore`."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster(folder)
        self.manage = self.cluster.manage
        self.manage("prepare")
        self.server = ParleyServer(self.cluster.url("parley"), redis().url, env={"REDIS_PREFIX": "restored"})

    def back_up(self) -> None:
        self.cluster.run("backup", "now").check_returncode()

    def lose(self) -> None:
        self.cluster.sql("DROP DATABASE parley", database="postgres")
        self.cluster.sql("CREATE DATABASE parley", database="postgres")
        self.cluster.run("roles").check_returncode()

    def restore(self) -> None:
        self.cluster.run("restore").check_returncode()


def make_database(folder: Path) -> Iterator[Database]:
    """Yield the database of the stack with its server, and end both."""
    database = Postgres(folder) if TEST_STACK == "postgres" else Sqlite(folder)
    with database.server:
        yield database
    if isinstance(database, Postgres):
        database.cluster.server.stop()


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
