"""Stores: records by key, in memory or in a SQLite file. The client keeps each user's records apart by their keys."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

Record = tuple[str, Any]  # the key, and plain JSON; None removes the record


class Store(Protocol):
    """A place for records. Several clients may share one."""

    def read(self, prefix: str) -> list[Record]:
        """All records whose key begins with `prefix`, in the order of their keys."""
        ...

    def write(self, records: Iterable[Record]) -> None:
        """Write all these records or none. Raises OSError or sqlite3.Error when the store is full."""
        ...


class MemoryStore:
    """A store that lasts as long as the process."""

    def __init__(self) -> None:
        self._records: dict[str, str] = {}

    def read(self, prefix: str) -> list[Record]:
        return [(key, json.loads(self._records[key])) for key in sorted(self._records) if key.startswith(prefix)]

    def write(self, records: Iterable[Record]) -> None:
        for key, value in records:
            if value is None:
                self._records.pop(key, None)
            else:
                self._records[key] = json.dumps(value)


class SqliteStore:
    """A store in a file, which several processes and users may share."""

    def __init__(self, path: str | Path) -> None:
        self._database = sqlite3.connect(path, timeout=10)
        self._database.execute("CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")

    def read(self, prefix: str) -> list[Record]:
        query = "SELECT key, value FROM records WHERE key >= ? AND key < ? ORDER BY key"
        rows = self._database.execute(query, (prefix, prefix + "\U0010ffff"))
        return [(key, json.loads(value)) for key, value in rows]

    def write(self, records: Iterable[Record]) -> None:
        with self._database:
            for key, value in records:
                if value is None:
                    self._database.execute("DELETE FROM records WHERE key = ?", (key,))
                else:
                    self._database.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", (key, json.dumps(value)))

    def close(self) -> None:
        """Close the file."""
        self._database.close()
