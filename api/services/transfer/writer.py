"""Writes an export: one moment of the database, row by row."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from api.services.transfer.tables import EXPORTED, FORMAT, ORDER, ROWS, columns, encode
from eventlog.models import Epoch
from wire.times import format_time


def export_all(write: Callable[[bytes], object], *, actor: str, reason: str = "") -> dict[str, int]:
    """Write every line, each with its line break, and return the number of rows of each table.

    All lines are of one moment, while others go on writing. The export itself is recorded before that moment.
    """
    with transaction.atomic():
        audit.record("data.exported", actor=actor, target=("server", ""), reason=reason)
    counts: Counter[str] = Counter()
    with _one_moment():
        header = {"parley": FORMAT, "epoch": Epoch.current(), "exported_at": format_time(timezone.now())}
        _write_line(write, header)
        for table, model in EXPORTED.items():
            names = list(columns(model))
            rows = model._default_manager.order_by(*ORDER.get(table, ("pk",)))
            if table == "jobs":
                rows = rows.exclude(user=None)  # each database has its own ones of these
            if table == "heads":  # earlier releases made empty ones for ids of nobody
                rows = rows.filter(Q(last_seq__gt=0) | Q(stream__in=User.objects.values("pk")))
            for row in rows.values_list(*names).iterator(chunk_size=ROWS):
                _write_line(write, {"table": table, "row": dict(zip(names, map(encode, row), strict=True))})
                counts[table] += 1
        _write_line(write, {"end": dict(counts)})
    return counts


def _write_line(write: Callable[[bytes], object], line: dict[str, Any]) -> None:
    write(orjson.dumps(line) + b"\n")


@contextmanager
def _one_moment() -> Iterator[None]:
    """Open a transaction in which every read sees the same moment, and that keeps no writer waiting."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield
        return
    with connection.cursor() as cursor:
        # Not by atomic(), whose BEGIN IMMEDIATE takes the write lock. The first read begins the snapshot of the WAL.
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
