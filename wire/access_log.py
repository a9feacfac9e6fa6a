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
from functools import lru_cache
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
_waiting = threading.Event()  # set by a line, so that the thread sleeps while there are none
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
    if not _waiting.is_set():
        _waiting.set()


def flush() -> None:
    """Write all queued records."""
    taken = [_lines.popleft() for _ in range(len(_lines))]
    if not taken:
        return
    try:
        as_json = settings.LOG_FORMAT == "json"
        sys.stderr.write("".join([_render(at, record, as_json) for at, record in taken]))
        sys.stderr.flush()
    except (OSError, ValueError):  # a full disk, a closed pipe, or at the end a closed file: nowhere to report it
        DROPPED.add(len(taken))


def _start_writer() -> None:
    global _writer

    def run() -> None:
        while True:
            _waiting.wait()
            _waiting.clear()  # before the lines are taken: one that comes later sets it again
            time.sleep(WRITE_SECONDS)
            flush()

    with _start:
        if _writer is None:
            atexit.register(flush)
            _writer = threading.Thread(target=run, name="access-log", daemon=True)
            _writer.start()


def _render(at: float, record: dict[str, Any], as_json: bool) -> str:
    record["request_id"] = plain(record["request_id"])  # the only text of a client
    shown = {name: value for name, value in record.items() if value is not None}
    if as_json:
        line = {"time": format_time(at), "level": "info", "logger": "access", **shown}
        return orjson.dumps(line).decode() + "\n"
    event = shown.pop("event")
    return f"{format_time(at)} INFO access: {event} {' '.join(f'{name}={value}' for name, value in shown.items())}\n"


def plain(value: Any) -> Any:
    """Return a text of a client with everything but printable ASCII escaped: no reader of lines may split it."""
    if not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    return value.encode("ascii", "backslashreplace").decode().encode("unicode_escape").decode()


def format_time(at: float) -> str:
    """Return a time in RFC 3339, with milliseconds, in UTC."""
    second = int(at)
    return f"{format_second(second)}.{int((at - second) * 1000):03d}Z"


@lru_cache(4)
def format_second(at: int) -> str:
    """Return a whole second without its zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")  # takes most of the time of a line
