"""Pages of a list by opaque cursor: a position in an order (a keyset), never an offset; no row is skipped or repeated.

A row that moves to the front of its list while a client pages could be on no page; `wire.moving` serves such lists.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from rest_framework import serializers

from wire import strict_json
from wire.fields import QueryInt, QuerySerializer, StrictSerializer
from wire.problems import Problem, invalid

PAGE_DEFAULT = 50
PAGE_MAX = 100
CURSOR_CHARS = 4_000  # a cursor of `wire.moving` has up to 100 ids
_SEAL_BYTES = 12

Row = TypeVar("Row", bound=models.Model)


class PageQuery(QuerySerializer):
    """The parameters of every list; a list with more parameters extends this class."""

    cursor = serializers.CharField(
        required=False, max_length=CURSOR_CHARS, help_text="`next` or `previous` of another page."
    )
    limit = QueryInt(default=PAGE_DEFAULT, min_value=1, max_value=PAGE_MAX, help_text="Rows per page.")


class PageBody(StrictSerializer):
    """The same as PageQuery, in a frame."""

    cursor = serializers.CharField(
        required=False, allow_null=True, default=None, max_length=CURSOR_CHARS, help_text="As in PageQuery."
    )
    limit = serializers.IntegerField(required=False, default=PAGE_DEFAULT, min_value=1, max_value=PAGE_MAX)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page in the list's order, and the cursors of its neighbours (None at the ends)."""

    rows: list[Row]
    next: str | None
    previous: str | None
    backwards: bool = field(default=False, compare=False)
    # Returns the cursor after these rows of the page. They begin at the end from which the client pages.
    cursor_after: Callable[[Sequence[Row]], str | None] = field(default=lambda _: None, compare=False)

    def as_dict(self, render: Callable[[list[Row]], object]) -> dict[str, Any]:
        """Return the page as JSON; `render` renders all its rows at once.

        This is for rows of which a whole page is below ANSWER_BYTES; otherwise see `as_dict_within`.
        """
        return {"results": render(self.rows), "next": self.next, "previous": self.previous}

    def as_dict_within(self, max_bytes: int, render: Callable[[list[Row]], Sequence[object]]) -> dict[str, Any]:
        """Return the page as JSON of at most max_bytes, without its rows farthest from the cursor; one row always fits.

        `render` gets the rows from the cursor on, and may leave out the last of them for the same reason.
        """
        outwards = self.rows[::-1] if self.backwards else self.rows
        results = list(_fit(render(outwards), max_bytes))
        after, before = self.next, self.previous
        if len(results) < len(outwards):
            further = self.cursor_after(outwards[: len(results)])
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
    """Return one page, read in one query. Raises Problem request.invalid (cursor).

    `order` names fields or annotations (`a__b` follows a relation), all ascending or all with a minus; together they
    are unique and never null.
    """
    backwards, *position = unseal(order, cursor) if cursor else [False]
    if position:
        queryset = queryset.filter(_beyond(order, [_load(value) for value in position], backwards))
    queryset = queryset.order_by(*order)
    found = list((queryset.reverse() if backwards else queryset)[: limit + 1])
    rows, more = found[:limit], len(found) > limit
    if backwards:
        rows.reverse()
    has_next, has_previous = (True, more) if backwards else (more, bool(position))
    return Page(
        rows,
        _seal(order, rows[-1], backwards=False) if rows and has_next else None,
        _seal(order, rows[0], backwards=True) if rows and has_previous else None,
        backwards,
        lambda shown: _seal(order, shown[-1], backwards=backwards),
    )


def first_page(found: list[Row], *, order: Sequence[str], limit: int) -> Page[Row]:
    """Return the first page, given rows that a query has read in this order: one more than the limit, if there are."""
    rows = found[:limit]
    following = _seal(order, rows[-1], backwards=False) if len(found) > limit else None
    return Page(rows, following, None, cursor_after=lambda shown: _seal(order, shown[-1], backwards=False))


def _beyond(order: Sequence[str], position: Sequence[object], backwards: bool) -> Q:
    """Return (a, b) > (x, y) in a form that every database has: a > x, or a = x and b > y."""
    beyond, equal = Q(), Q()
    for name, value in zip(order, position, strict=True):
        field = name.removeprefix("-")
        comparison = "lt" if name.startswith("-") is not backwards else "gt"
        beyond |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return beyond


def _seal(order: Sequence[str], row: models.Model, *, backwards: bool) -> str:
    """Return the cursor of a row's position in this order."""
    values = [_dump(attrgetter(name.removeprefix("-").replace("__", "."))(row)) for name in order]
    return seal(order, [backwards, *values])


def cursor_from_the_end(order: Sequence[str]) -> str:
    """Return the cursor that reads the last page, backwards from the end."""
    return seal(order, [True])


def seal(scope: Sequence[str], content: list[Any]) -> str:
    """Return JSON as a cursor signed with SECRET_KEY, which only `unseal` with the same scope accepts."""
    raw = orjson.dumps(content)
    return base64.urlsafe_b64encode(_signature(scope, raw, settings.SECRET_KEY) + raw).decode().rstrip("=")


def unseal(scope: Sequence[str], cursor: str) -> list[Any]:
    """Return the JSON of a cursor. Raises Problem request.invalid (cursor) unless `seal` made it with this scope.

    SECRET_KEY_FALLBACKS are accepted too: a client may page while the key changes.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid_cursor() from error
    signature, content = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(hmac.compare_digest(signature, _signature(scope, content, key)) for key in keys):
        raise _invalid_cursor()
    unsealed: list[Any] = orjson.loads(content)
    return unsealed


def _invalid_cursor() -> Problem:
    return invalid("cursor", "invalid", "This cursor does not belong to this list.")


def _signature(scope: Sequence[str], content: bytes, key: str) -> bytes:
    salt = "wire.pagination:" + ",".join(scope)
    return salted_hmac(salt, content, secret=key, algorithm="sha256").digest()[:_SEAL_BYTES]


def _dump(value: object) -> object:
    if isinstance(value, datetime):  # to the microsecond, unlike in JSON for clients: two rows may share a millisecond
        return {"time": value.astimezone(UTC).isoformat()}
    return {"uuid": str(value)} if isinstance(value, UUID) else value


def _load(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return datetime.fromisoformat(value["time"]) if "time" in value else UUID(value["uuid"])
