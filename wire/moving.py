"""Pages of a list whose rows move to the front while a client pages: no row is missed, and some come twice.

The cursor keeps the time of the first page. After the last page of the list, paging continues with the rows that have
moved since that time, ordered by id: further moves do not change that order.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.utils import timezone

from wire.pagination import PAGE_DEFAULT, Page, Row, cursor_from_the_end, paginate, seal, unseal

# A row gets its time before its transaction commits, perhaps by the clock of another machine. So a row that is no older
# than this when the first page is read may have moved unnoticed just before, and comes again.
MARGIN = timedelta(seconds=10)
# The cursor names up to so many of those recent rows that were shown already; only the others come twice.
SHOWN_KEPT = 100


@dataclass(frozen=True, slots=True)
class _Position:
    """A client's position in a list. Rows that moved after `since` come again, except those in `shown`."""

    since: datetime
    shown: tuple[UUID, ...] = ()
    cursor: str | None = None  # the cursor of `paginate`; None on the first page
    last_moved: UUID | None = None  # the last row shown among those that have moved; None before the first of them

    def with_shown(self, rows: Sequence[models.Model], moved_at: str) -> _Position:
        """Add the recent ones of these rows to `shown`."""
        recent = [row.pk for row in rows if (at := getattr(row, moved_at)) is not None and at > self.since]
        return replace(self, shown=tuple(dict.fromkeys([*self.shown, *recent]))[:SHOWN_KEPT])

    def seal(self, scope: Sequence[str], cursor: str | None, last_moved: UUID | None = None) -> str | None:
        """Return the client's cursor for this position, or None at an end of the list."""
        if cursor is None and last_moved is None:
            return None
        shown = base64.b64encode(b"".join(pk.bytes for pk in self.shown)).decode()
        return seal(scope, [self.since.isoformat(), shown, cursor, last_moved and str(last_moved)])

    @classmethod
    def unseal(cls, scope: Sequence[str], cursor: str) -> _Position:
        """Return the position of a client's cursor. Raises Problem request.invalid (cursor)."""
        since, shown, inner, last_moved = unseal(scope, cursor)
        raw = base64.b64decode(shown)
        pks = tuple(UUID(bytes=raw[place : place + 16]) for place in range(0, len(raw), 16))
        return cls(datetime.fromisoformat(since), pks, inner, UUID(last_moved) if last_moved else None)


def paginate_moving(
    queryset: models.QuerySet[Row],
    *,
    order: Sequence[str],
    moved_at: str,
    cursor: str | None = None,
    limit: int = PAGE_DEFAULT,
) -> Page[Row]:
    """Return a page of rows whose key is a UUID, as `paginate` does; the last page of the list takes one more query.

    `moved_at` names the field or annotation with the time at which a row moved to its place; null if it never moved.
    Raises Problem request.invalid (cursor).
    """
    if cursor is None:
        return first_moving_page(paginate(queryset, order=order, limit=limit), order=order, moved_at=moved_at)
    scope = _scope(order, moved_at)
    start = position = _Position.unseal(scope, cursor)
    page: Page[Row] = Page([], None, None)
    if position.last_moved is None:
        page = paginate(queryset, order=order, cursor=position.cursor, limit=limit)
        if page.next is not None:
            return _seal_page(page, position, scope, moved_at)
        position = position.with_shown(page.rows, moved_at)
    moved = queryset.filter(**{f"{moved_at}__gt": position.since}).exclude(pk__in=position.shown)
    if position.last_moved is not None:
        moved = moved.filter(pk__gt=position.last_moved)
    space = limit - len(page.rows)
    found = list(moved.order_by("pk")[: space + 1])
    following = None
    if len(found) > space:
        following = position.seal(scope, None, found[space - 1].pk if space else UUID(int=0))

    def cursor_after(shown: Sequence[Row]) -> str | None:
        if len(shown) > len(page.rows):
            return position.seal(scope, None, shown[-1].pk)
        return start.with_shown(shown, moved_at).seal(scope, page.cursor_after(shown))

    previous = position.seal(scope, page.previous or cursor_from_the_end(order))
    return Page([*page.rows, *found[:space]], following, previous, cursor_after=cursor_after)


def first_moving_page(page: Page[Row], *, order: Sequence[str], moved_at: str) -> Page[Row]:
    """Return the first page of `paginate_moving`, given that of `paginate`, which has just been read."""
    return _seal_page(page, _Position(timezone.now() - MARGIN), _scope(order, moved_at), moved_at)


def _seal_page(page: Page[Row], start: _Position, scope: Sequence[str], moved_at: str) -> Page[Row]:
    """Return the page with cursors that name the recent ones of the rows that are shown in the end."""

    def cursor_after(shown: Sequence[Row]) -> str | None:
        return start.with_shown(shown, moved_at).seal(scope, page.cursor_after(shown))

    position = start.with_shown(page.rows, moved_at)
    following, previous = position.seal(scope, page.next), position.seal(scope, page.previous)
    return Page(page.rows, following, previous, page.backwards, cursor_after)


def _scope(order: Sequence[str], moved_at: str) -> Sequence[str]:
    return [*order, f"moved_at={moved_at}"]
