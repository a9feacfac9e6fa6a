"""The log without a server: secrets, lines, repeats, and trace contexts."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from wire.logs import MAX_REPEATS, REPEAT_SECONDS, RepeatFilter, TextFormatter, json_formatter, without_secrets
from wire.tracing import read_traceparent

TOKEN = "prl_" + "aB3-" * 10
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def record(text: str, *args: object, failed: bool = False) -> logging.LogRecord:
    try:
        if failed:
            raise ValueError("one\ntwo")
    except ValueError:
        return logging.LogRecord("a.logger", logging.ERROR, "file.py", 7, text, args, sys.exc_info())
    return logging.LogRecord("a.logger", logging.WARNING, "file.py", 7, text, args, None)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"the token {TOKEN}!", "the token prl_...!"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ..."),
        ("bearer.prl_short", "bearer...."),
        ("/v1/ws?token=abc&limit=1", "/v1/ws?token=...&limit=1"),
        (
            "duplicate key\nDETAIL:  Key (a)=(secret) exists.\n more\nCONTEXT: x",
            "duplicate key\nDETAIL: ...\nCONTEXT: ...",
        ),
        ("nothing to hide in prl_x", "nothing to hide in prl_x"),
    ],
)
def test_secrets_are_replaced(text: str, cleaned: str) -> None:
    assert without_secrets(text) == cleaned


@pytest.mark.parametrize("evil", ["a\r\nb", "a\x1b[31mb", "a\x00b", "a\u2028b", "a\x85b", "a\ud800b", 'a"}\n{"b'])
def test_a_record_is_one_line_of_json_whatever_its_text(evil: str) -> None:
    line = json_formatter().format(record("It is %s", evil, failed=True))

    assert line.isascii()
    assert len(line.splitlines()) == 1
    read = json.loads(line)
    assert (read["event"], read["level"], read["logger"]) == (f"It is {evil}", "error", "a.logger")
    assert "ValueError: one\ntwo" in read["exception"]


@pytest.mark.parametrize("evil", ["a\r\nb", "a\x1b[31mb", "a\x00b", "a\u2028b", "a\x85b", "a\ud800b"])
def test_a_text_record_without_traceback_is_one_line(evil: str) -> None:
    line = TextFormatter().format(record("It is %s", evil))

    assert len(line.splitlines()) == 1
    assert line.encode()
    assert "\x1b" not in line


def test_a_repeated_statement_is_limited_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("wire.logs.time.monotonic", lambda: now[0])
    repeats = RepeatFilter()

    passed = [repeats.filter(record("again %d", number)) for number in range(MAX_REPEATS + 20)]
    other = repeats.filter(record("again", failed=True))
    now[0] += REPEAT_SECONDS
    later = record("again %d", 99)

    assert passed == [True] * MAX_REPEATS + [False] * 20
    assert other
    assert repeats.filter(later)
    assert later.getMessage() == "again 99 (20 more since the last line)"


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f" 00-{TRACE}-{SPAN}-00 ", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-adds", True),
        (f"00-{TRACE}-{SPAN}-01-more", False),
        (f"ff-{TRACE}-{SPAN}-01", False),
        (f"00-{'0' * 32}-{SPAN}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-{SPAN}-01", False),
        (f"00-{TRACE}-{SPAN}", False),
        ("", False),
    ],
)
def test_a_traceparent_is_taken_when_it_is_well_formed(given: str, is_taken: bool) -> None:
    trace = read_traceparent(given)

    assert (trace is not None) == is_taken
    if trace is not None:
        version, trace_id, span_id, flags = trace.header().split("-")
        assert (version, trace_id, flags) == ("00", TRACE, given.strip()[53:55])
        assert span_id not in {SPAN, "0" * 16}
