"""JSON as both faces speak it: orjson, and the limits that keep a hostile document from hurting us or other clients."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson
from django.utils.functional import Promise

from wire.problems import Problem
from wire.times import format_time

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some Windows clients write one; RFC 8259, section 8.1, lets a reader skip it
MAX_DEPTH = 16
MAX_KEYS = 1_024  # one sync names up to 1,000 rooms
MAX_NUMBER = 2**53 - 1  # what every JSON reader holds exactly (RFC 8259, section 6)

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def loads(document: bytes | str) -> Any:
    """Parse one document, or raise Problem `json.invalid` and say why. Time and memory are linear in its length."""
    try:
        raw = (document.encode() if isinstance(document, str) else document).removeprefix(BYTE_ORDER_MARK)
        value = orjson.loads(raw)
    except ValueError as error:  # also NaN, an infinite number, a lone surrogate, bytes that are not UTF-8
        raise _refusal("It cannot be parsed.") from error
    keys = _Check(look_for_nul=b"\\u0000" in raw).walk(value)
    # orjson keeps the last of two equal keys. Each member has a colon, so fewer keys than colons means that
    # some colons stand in strings, or that a key was doubled: only then is it worth looking closer.
    if raw.count(b":") != keys and _STRING.sub(b"", raw).count(b":") != keys:
        raise _refusal("An object holds the same key twice.")
    return value


def dumps(value: object) -> bytes:
    """Render for the wire: times in UTC with milliseconds, UUIDs as strings, orjson.Fragment as it stands."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME)


class _Check:
    """One walk over a parsed document that counts its keys and refuses what is over the limits."""

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
                raise _refusal("A number is beyond 2^53 - 1.")
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise _refusal(f"It is nested deeper than {MAX_DEPTH} levels.")
            self._visit_items(value, depth)

    def _visit_items(self, value: dict[str, Any] | list[Any], depth: int) -> None:
        if isinstance(value, dict):
            self.keys += len(value)
            if len(value) > MAX_KEYS:
                raise _refusal(f"An object holds more than {MAX_KEYS} keys.")
            for key in value:
                self._visit_text(key)
        for item in value.values() if isinstance(value, dict) else value:
            self._visit(item, depth + 1)

    def _visit_text(self, text: str) -> None:
        if self.look_for_nul and "\0" in text:  # PostgreSQL cannot store it
            raise _refusal("A string holds the NUL character.")


def _refusal(why: str) -> Problem:
    return Problem("json.invalid", why)


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not belong on the wire.")
