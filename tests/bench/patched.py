"""Parley with a part replaced, to compare and to count: `python -m tests.bench.patched unbatched serve`.

The packages need no hook for it: this module replaces the part before the server starts.
"""

import mmap
import os
import struct
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import django
from django.core.management import execute_from_command_line

COUNTS = "BENCH_COUNTS"  # names the file of the counters
COUNTERS = struct.Struct("QQ")


def unbatched() -> None:
    """Commit each message in a transaction of its own, however many wait for the room."""
    from api.services.messages import group_commit
    from api.services.messages.group_commit import Write
    from realtime import database

    def submit(self: Any, send: Write) -> Future[Any]:
        future: Future[Any] = Future()
        database._executor.submit(database._on_thread, group_commit._commit, [(send, future)])
        return future

    def send(self: Any, send: Write) -> Any:
        future: Future[Any] = Future()
        group_commit._commit([(send, future)])
        return future.result()

    group_commit.GroupCommitter.submit = submit  # type: ignore[method-assign]
    group_commit.GroupCommitter.send = send  # type: ignore[method-assign]


def counted() -> None:
    """Count the queries, and those that read the log, in a file that other processes can read."""
    from django.db.backends.signals import connection_created

    with Path(os.environ[COUNTS]).open("r+b") as file:
        counts = mmap.mmap(file.fileno(), COUNTERS.size)

    def count(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        queries, of_log = COUNTERS.unpack(counts)
        reads_log = sql.startswith("SELECT") and '"api_event"' in sql
        counts[:] = COUNTERS.pack(queries + 1, of_log + reads_log)
        return execute(sql, params, many, context)

    def watch(connection: Any, **_: Any) -> None:
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    connection_created.connect(watch, weak=False)


PATCHES = {"unbatched": unbatched, "counted": counted}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    django.setup()
    PATCHES[sys.argv[1]]()
    execute_from_command_line(["manage.py", *sys.argv[2:]])
