"""Databases as Parley 0.1.0 left them, and its code, where git has it."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from settings.test import TEST_STACK
from tests.servers import ROOT, ParleyServer

DUMPS = Path(__file__).parent / "release_0_1_0"
LAST_COMMIT = "c19b07b"  # the last one with the tables of 0.1.0


def load_database(server: ParleyServer) -> str:
    """Give the server a database of 0.1.0, and return its URL."""
    if TEST_STACK == "postgres":
        url = _new_database()
        with psycopg.connect(url) as connection:
            connection.execute((DUMPS / "postgres.sql").read_bytes())
    else:
        url = server.environment["DATABASE_URL"]
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            database.executescript((DUMPS / "sqlite.sql").read_text())
    server.environment["DATABASE_URL"] = url
    return url


def read_rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    if TEST_STACK == "postgres":
        with psycopg.connect(url) as connection:
            return connection.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        return database.execute(query).fetchall()


def code_of_0_1_0(folder: Path) -> Path | None:
    """Write the code of 0.1.0 into a folder; None where git does not have it, as in a shallow clone."""
    archived = subprocess.run(["git", "archive", LAST_COMMIT], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _new_database() -> str:
    url, name = os.environ["DATABASE_URL"], f"upgrade_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return urlsplit(url)._replace(path=f"/{name}").geturl()
