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
MAX_KEYS = 2_048  # one sync names up to 2,000 rooms
MAX_NUMBER = 2**53 - 1  # the largest integer that is exact in every JSON reader (RFC 8259, section 6)

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def loads(document: bytes | str) -> Any:
    """Parse one document in linear time and memory. Raises Problem `json.invalid` with the reason."""
    try:
        raw = (document.encode() if isinstance(document, str) else document).removeprefix(BYTE_ORDER_MARK)
        value = orjson.loads(raw)
    except ValueError as error:  # also NaN, an infinite number, a lone surrogate, bytes that are not UTF-8
        raise _invalid("It cannot be parsed.") from error
    keys = _count_keys(value, look_for_nul=b"\\u0000" in raw)
    # orjson keeps the last of two equal keys. Each member has a colon, so fewer keys than colons mean that strings have
    # colons or that a key occurs twice. Only then the strings are removed and the colons counted again.
    if raw.count(b":") != keys and _STRING.sub(b"", raw).count(b":") != keys:
        raise _invalid("An object has the same key twice.")
    return value


def dumps(value: object) -> bytes:
    """Render JSON: times in UTC with milliseconds, UUIDs as strings, an orjson.Fragment unchanged."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _count_keys(document: object, *, look_for_nul: bool) -> int:
    """Return how many keys all objects of a document have. Raises Problem `json.invalid` where it exceeds a limit."""
    if isinstance(document, dict) and len(document) <= MAX_KEYS and not look_for_nul:
        types = set(map(type, document.values()))
        if types == {str}:  # as in nearly all frames: no value needs a look
            return len(document)
    keys, depth, level = 0, 0, [document]
    while level:  # all values of one depth, and then those inside them
        depth += 1
        inside: list[object] = []
        for value in level:
            if not isinstance(value, dict | list):
                _check_scalar(value, look_for_nul)
                continue
            if depth > MAX_DEPTH:
                raise _invalid(f"It is nested deeper than {MAX_DEPTH} levels.")
            if isinstance(value, dict):
                keys += len(value)
                if len(value) > MAX_KEYS:
                    raise _invalid(f"An object has more than {MAX_KEYS} keys.")
                inside += [*value, *value.values()] if look_for_nul else value.values()
            else:
                inside += value
        level = inside
    return keys


def _check_scalar(value: object, look_for_nul: bool) -> None:
    if isinstance(value, str):
        if look_for_nul and "\0" in value:  # PostgreSQL cannot store it
            raise _invalid("A string contains the NUL character.")
    elif isinstance(value, int | float) and not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise _invalid("A number is beyond 2^53 - 1.")


def _invalid(reason: str) -> Problem:
    return Problem("json.invalid", reason)


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be rendered as JSON.")
