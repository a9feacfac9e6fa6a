"""Strict JSON for REST and the socket: orjson, with limits that protect the server and other clients."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson
from django.utils.functional import Promise

from wire.problems import Problem
from wire.times import format_time

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some Windows clients write one; RFC 8259, section 8.1, allows a reader to skip it
MAX_DEPTH = 16
MAX_KEYS = 1_024  # one sync names up to 1,000 rooms
MAX_NUMBER = 2**53 - 1  # the largest integer that is exact in every JSON reader (RFC 8259, section 6)

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def loads(document: bytes | str) -> Any:
    """Parse one document in linear time and memory. Raises Problem `json.invalid` with the reason."""
    try:
        raw = (document.encode() if isinstance(document, str) else document).removeprefix(BYTE_ORDER_MARK)
        value = orjson.loads(raw)
    except ValueError as error:  # also NaN, an infinite number, a lone surrogate, bytes that are not UTF-8
        raise _invalid("It cannot be parsed.") from error
    keys = _Check(look_for_nul=b"\\u0000" in raw).walk(value)
    # orjson keeps the last of two equal keys. Each member has a colon, so fewer keys than colons mean that strings have
    # colons or that a key occurs twice. Only then the strings are removed and the colons counted again.
    if raw.count(b":") != keys and _STRING.sub(b"", raw).count(b":") != keys:
        raise _invalid("An object has the same key twice.")
    return value


def dumps(value: object) -> bytes:
    """Render JSON: times in UTC with milliseconds, UUIDs as strings, an orjson.Fragment unchanged."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME)


class _Check:
    """A walk over a parsed document that counts its keys and raises a Problem where it exceeds a limit."""

    def __init__(self, *, look_for_nul: bool) -> None:
        self.look_for_nul = look_for_nul
        self.keys = 0

    def walk(self, value: object) -> int:
        self._visit(value, 1)
        return self.keys

    def _visit(self, value: object, depth: int) -> None:
        if isinstance(value, str):
            self._visit_text(value)
        elif isinstance(value, int | float):
            if not -MAX_NUMBER <= value <= MAX_NUMBER:
                raise _invalid("A number is beyond 2^53 - 1.")
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise _invalid(f"It is nested deeper than {MAX_DEPTH} levels.")
            self._visit_items(value, depth)

    def _visit_items(self, value: dict[str, Any] | list[Any], depth: int) -> None:
        if isinstance(value, dict):
            self.keys += len(value)
            if len(value) > MAX_KEYS:
                raise _invalid(f"An object has more than {MAX_KEYS} keys.")
            for key in value:
                self._visit_text(key)
        for item in value.values() if isinstance(value, dict) else value:
            self._visit(item, depth + 1)

    def _visit_text(self, text: str) -> None:
        if self.look_for_nul and "\0" in text:  # PostgreSQL cannot store it
            raise _invalid("A string contains the NUL character.")


def _invalid(reason: str) -> Problem:
    return Problem("json.invalid", reason)


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be rendered as JSON.")
