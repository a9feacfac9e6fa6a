"""Strict JSON, which REST and the socket share."""

import contextlib
import json
import time
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import strict_json
from wire.problems import Problem

SAFE = 2**53 - 1
KEYS = {f"k{number}": number for number in range(strict_json.MAX_KEYS)}

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@given(documents)
def test_it_works(document: object) -> None:
    if strict_depth(document) <= strict_json.MAX_DEPTH:
        assert strict_json.loads(json.dumps(document)) == document
        assert strict_json.loads(strict_json.dumps(document)) == document


def strict_depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(strict_depth, value.values()), default=0)
    return 1 + max(map(strict_depth, value), default=0) if isinstance(value, list) else 0


@pytest.mark.parametrize(
    "document",
    [
        b'{"a": "b:c", "d": ":::"}',
        rb'{"a\"b": "\\", "c": "\\u0000"}',
        b'{"a": {"a": {"a": []}}}',
        nested(16),
        str(SAFE).encode(),
        str(-SAFE).encode(),
        b"1.5e10",
        json.dumps(KEYS).encode(),
    ],
)
def test_unusual_but_valid_json_is_accepted(document: bytes) -> None:
    assert strict_json.loads(document) == json.loads(document)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{bad",
        b'{"a": 1,}',
        b"{} {}",
        b"NaN",
        b'{"a": Infinity}',
        b"1e400",
        b"9" * 5000,
        str(SAFE + 1).encode(),
        str(-SAFE - 1).encode(),
        b"1e300",
        nested(17),
        nested(100_000),
        b'{"a":' * 17 + b"1" + b"}" * 17,
        b'"\\u0000"',
        b'{"\\u0000": 1}',
        b'{"a": ["\\\\\\u0000"]}',
        b'"\0"',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\xff"',
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"x:y": [{"b": ":", "b": 2}]}',
        json.dumps(KEYS | {"one": "more"}).encode(),
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        "\ud800",
    ],
)
def test_dangerous_json_is_rejected(document: bytes | str) -> None:
    with pytest.raises(Problem, match=r"json\.invalid"):
        strict_json.loads(document)


@pytest.mark.parametrize(
    "document", [b'"' + b'\\"' * 100_000, b'{"' + b":" * 200_000 + b'":1}', b"[" + b'{"a":1},' * 20_000 + b"1]"]
)
def test_parsing_time_is_linear_in_the_length(document: bytes) -> None:
    start = time.process_time()

    with contextlib.suppress(Problem):
        strict_json.loads(document)

    assert time.process_time() - start < 0.5


def test_times_uuids_and_fragments_are_rendered() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC)

    written = strict_json.dumps([moment, UUID(int=7), orjson.Fragment(b'{"as": "stored"}')])

    assert written == b'["2026-01-02T03:04:05.678Z","00000000-0000-0000-0000-000000000007",{"as": "stored"}]'


def test_rendering_another_type_raises_an_error() -> None:
    with pytest.raises(TypeError):
        strict_json.dumps({1, 2})


def test_a_byte_order_mark_is_skipped() -> None:
    assert strict_json.loads(b'\xef\xbb\xbf{"a": 1}') == strict_json.loads('\ufeff{"a": 1}') == {"a": 1}
