"""GET /v1/users?q= and GET /v1/users/{id}"""

from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts import services
from tests.clients import Person, codes, join_parley

URL = "/v1/users"


def names(response: object) -> list[str]:
    return [row["username"] for row in response.json()["results"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("q", ["al", "AL", "alice", "Alice Lid", "\uff21lice"])
def test_it_works(alice: Person, bob: Person, q: str) -> None:
    response = bob.get(URL, q=q)

    assert response.status_code == 200
    assert names(response) == ["alice"]
    assert set(response.json()["results"][0]) == {
        *("id", "username", "display_name", "avatar_url", "metadata", "created_at")
    }


@pytest.mark.parametrize("q", ["lice", "%", "_", "a%", "\\", "liddell"])
def test_it_matches_beginnings_and_nothing_else(alice: Person, bob: Person, q: str) -> None:
    assert names(bob.get(URL, q=q)) == []


def test_a_display_name_is_compared_beyond_ascii(alice: Person, bob: Person) -> None:
    alice.patch("/v1/me", {"display_name": "\u00c9LODIE"})

    assert names(bob.get(URL, q="\u00e9lo")) == ["alice"]


def test_it_pages_in_a_fixed_number_of_queries(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        join_parley(f"twin{number}")

    with django_assert_num_queries(2):
        first = alice.get(URL, q="twin", limit=3)
    second = alice.get(URL, q="twin", limit=3, cursor=first.json()["next"])

    assert names(first) + names(second) == [f"twin{number}" for number in range(5)]
    assert second.json()["next"] is None


def test_a_cursor_of_another_list_is_refused(alice: Person) -> None:
    alice.another_device()
    cursor = alice.get("/v1/auth/sessions", limit=1).json()["next"]

    assert codes(alice.get(URL, q="a", cursor=cursor)) == {"cursor": "invalid"}


def test_a_deactivated_user_is_not_found_by_name(alice: Person, bob: Person) -> None:
    services.deactivate(user=alice.user)

    assert names(bob.get(URL, q="alice")) == []
    assert bob.get(f"{URL}/{alice.user.id}").status_code == 200


def test_bad_parameters_are_refused(alice: Person) -> None:
    assert codes(alice.get(URL)) == {"q": "required"}
    assert codes(alice.get(URL, q="")) == {"q": "blank"}
    assert codes(alice.get(URL, q="x" * 65)) == {"q": "max_length"}
    assert codes(alice.get(URL, q="a", format="xml")) == {"format": "unknown"}


def test_one_user_works(alice: Person, charlie: Person) -> None:
    response = charlie.get(f"{URL}/{alice.user.id}")

    assert response.status_code == 200
    assert response.json()["username"] == "alice"


def test_one_unknown_user_is_not_found(alice: Person) -> None:
    assert alice.get(f"{URL}/{uuid4()}").json()["code"] == "not_found"
    assert alice.get(f"{URL}/alice").json()["code"] == "not_found"


def test_a_stranger_is_refused(alice: Person, stranger: Person) -> None:
    assert stranger.get(URL, q="alice").json()["code"] == "auth.required"
    assert stranger.get(f"{URL}/{alice.user.id}").json()["code"] == "auth.required"
