"""Lists whose rows move towards the beginning while a client pages: no row is missed, and some come twice.

The cursor keeps the time of the first page. Behind the last row come the rows that have moved since then, in the order
of their ids, which stays the same however often they move again.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.utils import timezone

from wire.pagination import PAGE_DEFAULT, Page, Row, from_the_end, paginate, seal, unseal

# A row gets its time before its transaction commits, perhaps from the clock of another machine. So a row that is as
# young as this when the list is first read may have moved, unseen, just before: it comes again.
MARGIN = timedelta(seconds=10)
# Except the young rows that were shown. The cursor names so many; those beyond them come twice.
SHOWN_KEPT = 100


@dataclass(frozen=True, slots=True)
class _Walk:
    """A client's way through a list. What has moved after `since` comes again, except those in `shown`."""

    since: datetime
    shown: tuple[UUID, ...] = ()
    cursor: str | None = None  # of `paginate`; None at the beginning
    behind: UUID | None = None  # the last row shown of those that have moved

    def with_shown(self, rows: Sequence[models.Model], moved_at: str) -> _Walk:
        """With the young ones among these rows."""
        young = [row.pk for row in rows if (at := getattr(row, moved_at)) is not None and at > self.since]
        return replace(self, shown=tuple(dict.fromkeys([*self.shown, *young]))[:SHOWN_KEPT])

    def seal(self, scope: Sequence[str], cursor: str | None, behind: UUID | None = None) -> str | None:
        """The cursor of a client, at this place of its way."""
        if cursor is None and behind is None:
            return None
        shown = base64.b64encode(b"".join(pk.bytes for pk in self.shown)).decode()
        return seal(scope, [self.since.isoformat(), shown, cursor, behind and str(behind)])


def paginate_moving(
    queryset: models.QuerySet[Row],
    *,
    order: Sequence[str],
    moved_at: str,
    cursor: str | None = None,
    limit: int = PAGE_DEFAULT,
) -> Page[Row]:
    """Return a page of rows with a UUID as their key, as `paginate` does; the last page takes one query more.

    `moved_at` names the field or annotation that has the time since which a row stands at its place; null for always.
    Raises Problem request.invalid (cursor).
    """
    if cursor is None:
        return begin(paginate(queryset, order=order, limit=limit), order=order, moved_at=moved_at)
    scope = _scope(order, moved_at)
    walk = _open(scope, cursor)
    page: Page[Row] = Page([], None, None)
    came = walk
    if walk.behind is None:
        page = paginate(queryset, order=order, cursor=walk.cursor, limit=limit)
        if page.next is not None:
            return _seal_page(page, walk, scope, moved_at)
        walk = walk.with_shown(page.rows, moved_at)
    moved = queryset.filter(**{f"{moved_at}__gt": walk.since}).exclude(pk__in=walk.shown)
    if walk.behind is not None:
        moved = moved.filter(pk__gt=walk.behind)
    space = limit - len(page.rows)
    found = list(moved.order_by("pk")[: space + 1])
    rows = [*page.rows, *found[:space]]
    following = None
    if len(found) > space:
        following = walk.seal(scope, None, found[space - 1].pk if space else UUID(int=0))

    def go_on_after(shown: Sequence[Row]) -> str | None:
        if len(shown) > len(page.rows):
            return walk.seal(scope, None, shown[-1].pk)
        return came.with_shown(shown, moved_at).seal(scope, page.go_on_after(shown))

    return Page(rows, following, walk.seal(scope, page.previous or from_the_end(order)), go_on_after=go_on_after)


def begin(page: Page[Row], *, order: Sequence[str], moved_at: str) -> Page[Row]:
    """The first page of `paginate_moving`, from that of `paginate`, which has just been read."""
    return _seal_page(page, _Walk(timezone.now() - MARGIN), _scope(order, moved_at), moved_at)


def _seal_page(page: Page[Row], came: _Walk, scope: Sequence[str], moved_at: str) -> Page[Row]:
    """The page with cursors of this walk, which names the young rows of what is shown in the end."""

    def go_on_after(shown: Sequence[Row]) -> str | None:
        return came.with_shown(shown, moved_at).seal(scope, page.go_on_after(shown))

    walk = came.with_shown(page.rows, moved_at)
    following, previous = walk.seal(scope, page.next), walk.seal(scope, page.previous)
    return Page(page.rows, following, previous, page.backwards, go_on_after)


def _scope(order: Sequence[str], moved_at: str) -> Sequence[str]:
    return [*order, f"moved_at={moved_at}"]


def _open(scope: Sequence[str], cursor: str) -> _Walk:
    since, shown, inner, behind = unseal(scope, cursor)
    raw = base64.b64decode(shown)
    pks = tuple(UUID(bytes=raw[place : place + 16]) for place in range(0, len(raw), 16))
    return _Walk(datetime.fromisoformat(since), pks, inner, UUID(behind) if behind else None)
