"""Lists by cursor: no row is skipped or repeated, and no forged cursor is accepted."""

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from wire.pagination import Page, paginate
from wire.problems import Problem

ORDER = ["-created_at", "-id"]


@pytest.fixture
def users(db: None) -> QuerySet[User]:
    """Nine users, three of each creation time, so that the second key of the order matters."""
    now = timezone.now()
    for number in range(9):
        User.objects.create(username=f"user{number}", created_at=now + timedelta(microseconds=number // 3))
    return User.objects.all()


def walk(users: QuerySet[User], page: Page[User], direction: str, **options: Any) -> list[list[User]]:
    """The rows of this page and of all pages after it in a direction."""
    pages = [page.rows]
    while cursor := getattr(page, direction):
        page = paginate(users, order=ORDER, cursor=cursor, **options)
        pages.append(page.rows)
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9, 10])
def test_it_works_in_both_directions(users: QuerySet[User], limit: int) -> None:
    everything = list(users.order_by(*ORDER))

    forwards = walk(users, paginate(users, order=ORDER, limit=limit), "next", limit=limit)

    assert list(chain(*forwards)) == everything
    assert [len(rows) for rows in forwards[:-1]] == [limit] * (len(forwards) - 1)
    last = paginate(users, order=ORDER, limit=limit)
    while last.next:
        last = paginate(users, order=ORDER, limit=limit, cursor=last.next)
    backwards = walk(users, last, "previous", limit=limit)
    assert list(chain(*reversed(backwards))) == everything


def test_a_new_or_deleted_row_does_not_shift_other_rows(users: QuerySet[User]) -> None:
    everything = list(users.order_by(*ORDER))
    page = paginate(users, order=ORDER, limit=3)

    everything[2].delete()
    User.objects.create(username="newest", created_at=timezone.now() + timedelta(hours=1))

    assert paginate(users, order=ORDER, limit=3, cursor=page.next).rows == everything[3:6]


def test_an_empty_list_has_no_cursors(db: None) -> None:
    assert paginate(User.objects.all(), order=ORDER) == Page([], None, None)


def test_a_cursor_is_valid_for_its_own_order_only(users: QuerySet[User]) -> None:
    cursor = paginate(users, order=ORDER, limit=3).next

    with pytest.raises(Problem, match=r"request\.invalid"):
        paginate(users, order=["username"], cursor=cursor)


@pytest.mark.parametrize("forgery", ["", "x", "AAAA", "A" * 200, "====", "\u00e9", "W2ZhbHNlLDFd"])
def test_a_forged_cursor_is_rejected(users: QuerySet[User], forgery: str) -> None:
    real = paginate(users, order=ORDER, limit=3).next or ""

    with pytest.raises(Problem, match=r"request\.invalid"):
        paginate(users, order=ORDER, cursor=real[:-1] + ("A" if real[-1] != "A" else "B") + forgery)
    if forgery:
        with pytest.raises(Problem, match=r"request\.invalid"):
            paginate(users, order=ORDER, cursor=forgery)


def test_a_cursor_of_an_earlier_key_is_accepted_while_it_is_a_fallback(users: QuerySet[User], settings: Any) -> None:
    old, cursor = settings.SECRET_KEY, paginate(users, order=ORDER, limit=2).next
    settings.SECRET_KEY = "another-key-" * 5

    settings.SECRET_KEY_FALLBACKS = ["a third one", old]
    assert len(paginate(users, order=ORDER, cursor=cursor, limit=2).rows) == 2
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Problem):
        paginate(users, order=ORDER, cursor=cursor, limit=2)
