"""Races of two requests at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import mail
from accounts.models import EmailAddress, Session, User
from tests.clients import PASSWORD, Person, join_parley
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run all of these at the same moment, each on its own connection."""
    ready = Barrier(len(acts))

    def act_and_close(act: Callable[[], Any]) -> Any:
        ready.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act_and_close, acts))


def register_dora() -> int:
    response = Person().post("/v1/auth/register", {"username": "dora", "password": PASSWORD})
    return int(response.status_code)


def test_one_of_six_registrations_gets_the_name() -> None:
    statuses = at_once(*[register_dora] * 6)

    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]
    assert User.objects.count() == 1


def test_a_name_that_is_being_deleted_cannot_be_registered() -> None:
    dora = join_parley("dora")

    deleted, *statuses = at_once(
        lambda: dora.delete("/v1/me", {"password": PASSWORD}).status_code, *[register_dora] * 4
    )

    assert deleted == 204
    assert statuses == [409] * 4
    assert User.objects.count() == 1


def test_a_login_with_the_old_password_ends_with_its_change() -> None:
    dora = join_parley("dora")
    login = {"username": "dora", "password": PASSWORD}

    at_once(
        lambda: dora.post("/v1/auth/password", {"old": PASSWORD, "new": "another fine phrase"}),
        *[lambda: Person().post("/v1/auth/login", login)] * 4,
    )

    assert list(Session.objects.values_list("pk", flat=True)) == [dora.session.pk]


def test_two_deletions_of_one_account_leave_one_tombstone() -> None:
    dora = join_parley("dora")

    statuses = at_once(*[lambda: dora.delete("/v1/me", {"password": PASSWORD}).status_code] * 3)

    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 401, 403}
    assert not Session.objects.exists()


def test_of_two_uses_of_a_reset_link_one_counts(mailbox: Mailbox) -> None:
    dora = join_parley("dora")
    EmailAddress.objects.create(
        user=dora.user, address="d@example.com", key="d@example.com", verified_at=timezone.now()
    )
    Person().post("/v1/auth/password-reset", {"email": "d@example.com"})
    mail.send_due()

    def use(number: int) -> int:
        body = {"token": mailbox.token, "password": f"a fine new phrase {number}"}
        return int(Person().post("/v1/auth/password-reset/confirm", body).status_code)

    statuses = at_once(lambda: use(1), lambda: use(2), lambda: use(3))

    assert sorted(statuses) == [204, 400, 400]
    assert not Session.objects.exists()
