"""The access log: one line for each request and frame, on stderr, written by a thread a few times a second.

A line costs the request some microseconds. A reader of stderr that has stopped loses lines, and stops nobody.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings

from wire.metrics import Counter

WRITE_SECONDS = 0.2
MAX_LINES = 20_000  # that wait, some 8 MB; further ones are dropped
DROPPED = Counter(
    "parley_access_log_dropped_total", "Lines of the access log that were dropped: stderr does not take them"
)

_lines: deque[tuple[float, dict[str, Any]]] = deque()
_start = threading.Lock()
_writer: threading.Thread | None = None


def write(record: dict[str, Any]) -> None:
    """Queue a record; those of its values that are None are left out."""
    if len(_lines) >= MAX_LINES:
        DROPPED.add()
        return
    _lines.append((time.time(), record))
    if _writer is None:
        _start_writer()


def flush() -> None:
    """Write all queued records."""
    taken = [_lines.popleft() for _ in range(len(_lines))]
    if taken:
        render = _as_json if settings.LOG_FORMAT == "json" else _as_text
        sys.stderr.write("".join([render(at, record) for at, record in taken]))
        sys.stderr.flush()


def _start_writer() -> None:
    global _writer
    with _start:
        if _writer is None:
            atexit.register(flush)
            _writer = threading.Thread(target=_write_forever, name="access-log", daemon=True)
            _writer.start()


def _write_forever() -> None:
    while True:
        time.sleep(WRITE_SECONDS)
        flush()


def _as_json(at: float, record: dict[str, Any]) -> str:
    line = {"time": format_time(at), "level": "info", "logger": "access"}
    record["request_id"] = plain(record["request_id"])  # the only text of a client
    return orjson.dumps(line | {name: value for name, value in record.items() if value is not None}).decode() + "\n"


def _as_text(at: float, record: dict[str, Any]) -> str:
    shown = [f"{name}={plain(value)}" for name, value in record.items() if value is not None and name != "event"]
    return f"{format_time(at)} INFO access: {record['event']} {' '.join(shown)}\n"


def plain(value: Any) -> Any:
    """Return a text of a client with everything but printable ASCII escaped: no reader of lines may split it."""
    if not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    return value.encode("ascii", "backslashreplace").decode().encode("unicode_escape").decode()


def format_time(at: float) -> str:
    """Return a time in RFC 3339, with milliseconds, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
