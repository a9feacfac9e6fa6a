"""Lists by opaque cursor: a position in an order (a keyset), never an offset, so no row is skipped or shown twice.

A row that moves towards the beginning of its list while a client pages would be on no page; `wire.moving` is for these.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from django.db import models
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework import serializers

from wire import strict_json
from wire.fields import QueryInt, QuerySerializer
from wire.problems import Problem, invalid

PAGE_DEFAULT = 50
PAGE_MAX = 100
CURSOR_CHARS = 4_000  # what a cursor of `wire.moving` may come to
_SEAL_BYTES = 12

Row = TypeVar("Row", bound=models.Model)


class PageQuery(QuerySerializer):
    """The parameters of every list; a list with more of them extends this."""

    cursor = serializers.CharField(
        required=False, max_length=CURSOR_CHARS, help_text="`next` or `previous` of another page."
    )
    limit = QueryInt(default=PAGE_DEFAULT, min_value=1, max_value=PAGE_MAX, help_text="Rows per page.")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page in the list's order, and the cursors of its neighbours (None at the ends)."""

    rows: list[Row]
    next: str | None
    previous: str | None
    backwards: bool = field(default=False, compare=False)
    # The cursor that goes on after these rows of the page, which begin where the client came from.
    go_on_after: Callable[[Sequence[Row]], str | None] = field(default=lambda _: None, compare=False)

    def as_dict(self, render: Callable[[list[Row]], object]) -> dict[str, Any]:
        """The page on the wire; `render` makes the JSON of all its rows at once.

        For rows of which a whole page is below ANSWER_BYTES; else `within`.
        """
        return {"results": render(self.rows), "next": self.next, "previous": self.previous}

    def within(self, max_bytes: int, render: Callable[[list[Row]], Sequence[object]]) -> dict[str, Any]:
        """Return the page on the wire, ending early at the row that is farthest from the cursor; one row always comes.

        `render` takes the rows from the cursor on, and leaves out the last of them if it cannot read them within the
        bytes.
        """
        outwards = self.rows[::-1] if self.backwards else self.rows
        results = list(_fit(render(outwards), max_bytes))
        after, before = self.next, self.previous
        if len(results) < len(outwards):
            further = self.go_on_after(outwards[: len(results)])
            after, before = (after, further) if self.backwards else (further, before)
        return {"results": results[::-1] if self.backwards else results, "next": after, "previous": before}


def _fit(rendered: Iterable[object], max_bytes: int) -> Iterator[orjson.Fragment]:
    size = 0
    for row in rendered:
        json = strict_json.dumps(row)
        if size and size + len(json) > max_bytes:
            return
        size += len(json) + 1
        yield orjson.Fragment(json)


def paginate(
    queryset: models.QuerySet[Row], *, order: Sequence[str], cursor: str | None = None, limit: int = PAGE_DEFAULT
) -> Page[Row]:
    """One page in one query. Raises Problem request.invalid (cursor).

    `order` names fields or annotations (`a__b` follows a relation), all ascending or all with a minus; together they
    are unique and never null.
    """
    backwards, position = _open(cursor, order) if cursor else (False, None)
    if position:
        queryset = queryset.filter(_beyond(order, position, backwards))
    found = list(queryset.order_by(*(map(_flip, order) if backwards else order))[: limit + 1])
    rows, more = found[:limit], len(found) > limit
    if backwards:
        rows.reverse()
    has_next, has_previous = (True, more) if backwards else (more, position is not None)
    return Page(
        rows,
        _seal(order, rows[-1], backwards=False) if rows and has_next else None,
        _seal(order, rows[0], backwards=True) if rows and has_previous else None,
        backwards,
        lambda shown: _seal(order, shown[-1], backwards=backwards),
    )


def first_page(found: list[Row], *, order: Sequence[str], limit: int) -> Page[Row]:
    """The page without a cursor, of a query that its caller has run in this order: one row more than the limit."""
    rows = found[:limit]
    following = _seal(order, rows[-1], backwards=False) if len(found) > limit else None
    return Page(rows, following, None, go_on_after=lambda shown: _seal(order, shown[-1], backwards=False))


def _beyond(order: Sequence[str], position: Sequence[object], backwards: bool) -> Q:
    """(a, b) > (x, y) in words that every database has: a > x, or a = x and b > y."""
    beyond, equal = Q(), Q()
    for name, value in zip(order, position, strict=True):
        field = name.removeprefix("-")
        comparison = "lt" if name.startswith("-") is not backwards else "gt"
        beyond |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return beyond


def _flip(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _seal(order: Sequence[str], row: models.Model, *, backwards: bool) -> str:
    """The cursor of a row's place. It is signed: what opens is a place that this server gave out for this order."""
    values = [_dump(_value(row, name.removeprefix("-"))) for name in order]
    return seal(order, [backwards, *values])


def from_the_end(order: Sequence[str]) -> str:
    """The cursor of the last page, which leads backwards."""
    return seal(order, [True])


def _open(cursor: str, order: Sequence[str]) -> tuple[bool, list[object]]:
    backwards, *values = unseal(order, cursor)
    return backwards, [_load(value) for value in values]


def seal(scope: Sequence[str], content: list[Any]) -> str:
    """JSON as a cursor that only `unseal` with the same scope opens."""
    raw = orjson.dumps(content)
    return base64.urlsafe_b64encode(_signature(scope, raw) + raw).decode().rstrip("=")


def unseal(scope: Sequence[str], cursor: str) -> list[Any]:
    """Open a cursor. Raises Problem request.invalid (cursor) for anything that was not sealed here."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _forged() from error
    signature, content = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if not constant_time_compare(signature.hex(), _signature(scope, content).hex()):
        raise _forged()
    unsealed: list[Any] = orjson.loads(content)
    return unsealed


def _forged() -> Problem:
    return invalid("cursor", "invalid", "This cursor was not given out by this list.")


def _signature(scope: Sequence[str], content: bytes) -> bytes:
    salt = "wire.pagination:" + ",".join(scope)
    return salted_hmac(salt, content, algorithm="sha256").digest()[:_SEAL_BYTES]


def _value(row: object, path: str) -> object:
    for name in path.split("__"):
        row = getattr(row, name)
    return row


def _dump(value: object) -> object:
    if isinstance(value, datetime):  # to the microsecond, unlike on the wire: two rows may share a millisecond
        return {"time": value.astimezone(UTC).isoformat()}
    return {"uuid": str(value)} if isinstance(value, UUID) else value


def _load(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return datetime.fromisoformat(value["time"]) if "time" in value else UUID(value["uuid"])
