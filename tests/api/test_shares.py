"""Which shares of the REST threads a request uses."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from api.shares import READS, READS_OF_USER, keys_of, make_shares
from wire.shares import Keys

ID = str(uuid4())


def keys(method: str, path: str) -> Keys:
    return keys_of({"method": method, "path": path, "headers": [(b"authorization", b"Bearer prl_x")]})


def is_bounded(method: str, path: str) -> bool:
    return ("reads", None) in keys(method, path)


def views(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Every path of the API, with ids in it, and its view."""
    for each in patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from views(each.url_patterns, path)
        elif hasattr(each.callback, "cls"):
            yield (
                path.replace("<id:room_id>", ID).replace("<id:user_id>", ID).replace("<id:message_id>", ID),
                (each.callback.cls),
            )


def test_every_list_and_no_other_read_is_bounded() -> None:
    reads = {path: view for path, view in views(get_resolver().url_patterns) if hasattr(view, "get")}
    operations = {path: vars(view.get).get("operation") for path, view in reads.items()}
    lists = {path for path, operation in operations.items() if operation and "limit" in operation.query().get_fields()}

    assert {path for path in reads if is_bounded("GET", path)} == lists
    assert len(lists) >= 8


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/sync", True),
        ("HEAD", "/v1/rooms", True),
        ("GET", f"/v1/rooms/{ID.upper()}/messages", True),
        ("GET", f"/v1/rooms/{ID.replace('-', '')}/events", True),
        ("POST", "/v1/rooms", False),
        ("POST", f"/v1/rooms/{ID}/messages", False),
        ("GET", f"/v1/rooms/{ID}/messages/{ID}", False),
    ],
)
def test_reads_of_many_rows_are_bounded(method: str, path: str, expected: bool) -> None:
    assert is_bounded(method, path) is expected


async def test_a_user_uses_a_part_of_the_reads() -> None:
    shares = make_shares(200)
    alice = keys("GET", "/v1/rooms")

    for _ in range(READS_OF_USER):
        await shares.take(alice)

    assert not shares._fits(alice)
    assert shares._fits((("reader", "bob"), ("user", "bob"), ("reads", None)))
    assert READS_OF_USER < READS
