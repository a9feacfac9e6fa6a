"""The log: one line for each record, as JSON or for people, with the ids of the call and without secrets or texts."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from wire.access_log import format_time, plain

# A token, and the rows that PostgreSQL quotes in the detail of an error: they may hold messages and hashes.
_SECRETS = re.compile(r"\b(pr[a-z]_)[A-Za-z0-9_-]{16,}|(?i:\b(bearer[ .]+))\S+|(?i:\b((?:access_)?token=))[^&\s'\"]+")
_DETAILS = re.compile(r"(?m)^(DETAIL|CONTEXT|QUERY): .*(?:\n(?![A-Z]+:|Traceback|\S+Error).*)*")

REPEAT_SECONDS = 1.0  # in which one statement of the code gets at most MAX_REPEATS lines
MAX_REPEATS = 5
MAX_STATEMENTS = 1_000


def without_secrets(text: str) -> str:
    """Replace tokens, and the rows in errors of the database."""
    return _DETAILS.sub(r"\1: ...", _SECRETS.sub(lambda found: f"{found[1] or found[2] or found[3]}...", text))


def ids() -> dict[str, Any]:
    """Return the ids of the current call."""
    from wire.calls import current  # the settings, which this module configures, come first

    return call.ids() if (call := current.get()) is not None else {}


def without_path(record: logging.LogRecord, message: str) -> str:
    """Return the message; Django's own records name a path, in which a secret may stand: the route replaces it."""
    request = getattr(record, "request", None)
    if request is not None and hasattr(request, "path"):
        match = getattr(request, "resolver_match", None)
        return message.replace(request.path, f"/{match.route}" if match else "(no route)")
    return message


class TextFormatter(logging.Formatter):
    """For people: the message in one line, the ids behind it, and a traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        shown = "".join(f" {name}={plain(value)}" for name, value in ids().items())
        message = without_secrets(without_path(record, record.getMessage())).replace("\r\n", " | ").replace("\n", " | ")
        line = f"{format_time(record.created)} {record.levelname} {record.name}: {_escape(message)}{shown}"
        if not record.exc_info:
            return line
        return f"{line}\n{_escape(without_secrets(self.formatException(record.exc_info)))}"


_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _escape(text: str) -> str:
    """Escape what a terminal obeys, and what a reader takes for the end of a line; \\n and \\t stay."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def json_formatter() -> logging.Formatter:
    """Return structlog's formatter: one JSON object in ASCII for each record, with a traceback as a string in it."""
    import structlog
    from structlog.stdlib import ProcessorFormatter

    def describe(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        record: logging.LogRecord = event["_record"]
        head = {"time": format_time(record.created), "level": record.levelname.lower(), "logger": record.name}
        return {**head, **event, "event": without_path(record, event["event"]), **ids()}

    def clean(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {name: without_secrets(value) if isinstance(value, str) else value for name, value in event.items()}

    return ProcessorFormatter(
        processors=[
            describe,
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            clean,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
    )


class RepeatFilter(logging.Filter):
    """Passes a few records a second of each statement of the code; the next one that passes counts those between."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int, str], tuple[float, int, int]] = {}  # began, passed, dropped

    def filter(self, record: logging.LogRecord) -> bool:
        error = type(record.exc_info[1]).__name__ if record.exc_info else ""
        key = (record.pathname, record.lineno, error)
        now = time.monotonic()
        with self._lock:
            began, passed, dropped = self._seen.get(key, (now, 0, 0))
            if now - began >= REPEAT_SECONDS:
                began, passed = now, 0
            if passed >= MAX_REPEATS:
                self._seen[key] = (began, passed, dropped + 1)
                return False
            if key not in self._seen and len(self._seen) >= MAX_STATEMENTS:
                self._seen.clear()
            self._seen[key] = (began, passed + 1, 0)
        if dropped:
            record.msg, record.args = f"{record.getMessage()} ({dropped} more since the last line)", ()
        return True


def log_uncaught() -> None:
    """Log what would be printed outside the log: the last exception of the program or of a thread, and warnings."""
    logger = logging.getLogger(__name__)

    def of_program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        logger.critical("The program ends", exc_info=(kind, error, trace))

    def of_thread(ended: threading.ExceptHookArgs) -> None:
        name = ended.thread.name if ended.thread else "?"
        error = ended.exc_value or ended.exc_type()
        logger.error("The thread %s ended", name, exc_info=(ended.exc_type, error, ended.exc_traceback))

    sys.excepthook, threading.excepthook = of_program, of_thread
    logging.captureWarnings(True)


FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {"json": json_formatter, "text": TextFormatter}
