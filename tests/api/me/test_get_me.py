"""GET /v1/me: the fields that the chat adds"""

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.api.stories import make_room, post_message
from tests.clients import Person


def test_it_works(alice: Person, bob: Person) -> None:
    for text in ("one", "two"):
        post_message(alice, make_room(alice, members=[bob]), text)
    left = make_room(alice, members=[bob])
    post_message(alice, left, "three")
    bob.post(f"/v1/rooms/{left['id']}/leave")

    me = bob.get("/v1/me").json()

    settings = {"share_read": True, "share_presence": True, "added_by": "anyone"}
    own = {
        "email": None,
        "email_verified": False,
        "settings": settings,
        "unread_total": 2,
        "unread_total_capped": False,
    }
    assert me == bob.get(f"/v1/users/{bob.user.id}").json() | own
    assert alice.get("/v1/me").json()["unread_total"] == 0


def test_a_profile_change_returns_the_same_shape(alice: Person) -> None:
    assert alice.patch("/v1/me", {"display_name": "Al"}).json() == alice.get("/v1/me").json()


@pytest.mark.parametrize("count", [2, 12])
def test_the_queries_do_not_grow_with_the_rooms(
    alice: Person, bob: Person, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        post_message(alice, make_room(alice, members=[bob]), "hello")

    with django_assert_num_queries(4):  # the session, unread, e-mail, settings
        me = bob.get("/v1/me").json()

    assert me["unread_total"] == count
