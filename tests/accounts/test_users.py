"""GET /v1/users?q= and GET /v1/users/{id}"""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import administration
from accounts.models import NameWord
from tests.api.stories import make_room
from tests.clients import PASSWORD, Person, codes, join_parley
from tests.plans import ON_SQLITE, plan_of

URL = "/v1/users"


def names(response: object) -> list[str]:
    return [row["username"] for row in response.json()["results"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("q", ["al", "AL", "alice", "Alice Lid", "\uff21lice", "liddell", "LID al"])
def test_it_works(alice: Person, bob: Person, q: str) -> None:
    response = bob.get(URL, q=q)

    assert response.status_code == 200
    assert names(response) == ["alice"]
    assert set(response.json()["results"][0]) == {
        *("id", "username", "display_name", "avatar_url", "kind", "metadata", "created_at")
    }


@pytest.mark.parametrize("q", ["lice", "a%", "a_", "\\a", "alice bob", "iddell"])
def test_the_search_matches_beginnings_of_words_only(alice: Person, bob: Person, q: str) -> None:
    assert names(bob.get(URL, q=q)) == []


def test_the_search_folds_characters_beyond_ascii(alice: Person, bob: Person) -> None:
    alice.patch("/v1/me", {"display_name": "\u00c9LODIE"})

    assert names(bob.get(URL, q="\u00e9lo")) == ["alice"]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("\u00c9lodie M\u00fcller", "M\u00dc"),
        ("E\u0301lodie", "\u00e9l"),
        ("\u00c9lodie", "e\u0301lo"),
        ("\u041f\u0420\u0418\u0412\u0415\u0422 \u041c\u0418\u0420", "\u043c\u0438"),
        ("Stra\u00dfe", "STRASS"),
        ("Anna-Lena O'Brien", "lena"),
        ("Anna-Lena O'Brien", "brien an"),
        ("\u5c71\u7530\u592a\u90ce", "\u592a\u90ce"),  # written without spaces
        ("\uae40\ucca0\uc218", "\ucca0\uc218"),
    ],
)
def test_the_search_finds_any_word_in_any_case_and_form(alice: Person, bob: Person, name: str, q: str) -> None:
    alice.patch("/v1/me", {"display_name": name})

    assert names(bob.get(URL, q=q)) == ["alice"]
    assert names(bob.get(URL, q="liddell")) == []


def test_the_search_finds_a_word_of_a_username(bob: Person) -> None:
    join_parley("carol.mad-hatter", display_name="Carol")

    assert names(bob.get(URL, q="hatter")) == names(bob.get(URL, q="carol.mad")) == ["carol.mad-hatter"]


def test_the_setting_exact_finds_only_the_exact_username(alice: Person, bob: Person, settings: Settings) -> None:
    settings.USER_SEARCH = "exact"

    assert names(bob.get(URL, q="ALICE")) == ["alice"]
    assert names(bob.get(URL, q="alic")) == names(bob.get(URL, q="Liddell")) == []


def test_the_setting_shared_rooms_finds_only_people_of_my_rooms(
    alice: Person, bob: Person, charlie: Person, settings: Settings
) -> None:
    settings.USER_SEARCH = "shared_rooms"
    room = make_room(alice, members=[bob, charlie])
    charlie.post(f"/v1/rooms/{room['id']}/leave")

    assert names(bob.get(URL, q="alice")) == ["alice"]
    assert names(bob.get(URL, q="charlie")) == []
    assert names(charlie.get(URL, q="alice")) == []


def test_a_deleted_user_has_no_words(alice: Person, bob: Person) -> None:
    alice.delete("/v1/me", {"password": PASSWORD})

    assert not NameWord.objects.exclude(user=bob.user).exists()


@ON_SQLITE
def test_a_search_without_a_match_reads_the_index_only(alice: Person) -> None:
    with CaptureQueriesContext(connection) as queries:
        alice.get(URL, q="nobody")

    plan = plan_of(queries.captured_queries[-1]["sql"])
    assert "users_by_word" in plan
    assert "SCAN accounts_user" not in plan


def test_the_search_is_paged_in_a_fixed_number_of_queries(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        join_parley(f"twin{number}")

    with django_assert_num_queries(2):
        first = alice.get(URL, q="twin", limit=3)
    second = alice.get(URL, q="twin", limit=3, cursor=first.json()["next"])

    assert names(first) + names(second) == [f"twin{number}" for number in range(5)]
    assert second.json()["next"] is None


def test_a_cursor_of_another_list_is_rejected(alice: Person) -> None:
    alice.another_device()
    cursor = alice.get("/v1/auth/sessions", limit=1).json()["next"]

    assert codes(alice.get(URL, q="al", cursor=cursor)) == {"cursor": "invalid"}


def test_a_deactivated_user_is_not_found_by_name(alice: Person, bob: Person) -> None:
    administration.deactivate(user=alice.user)

    assert names(bob.get(URL, q="alice")) == []
    assert bob.get(f"{URL}/{alice.user.id}").status_code == 200


def test_invalid_parameters_of_the_search_are_rejected(alice: Person) -> None:
    assert codes(alice.get(URL)) == {"q": "required"}
    assert codes(alice.get(URL, q="")) == {"q": "blank"}
    for short in ("a", "%", " a ", "e\u0301"):
        assert codes(alice.get(URL, q=short)) == {"q": "min_length"}
    assert codes(alice.get(URL, q="x" * 65)) == {"q": "max_length"}
    assert codes(alice.get(URL, q="al", format="xml")) == {"format": "unknown"}


def test_a_user_is_read_by_id(alice: Person, charlie: Person) -> None:
    response = charlie.get(f"{URL}/{alice.user.id}")

    assert response.status_code == 200
    assert response.json()["username"] == "alice"


def test_an_unknown_user_gets_404(alice: Person) -> None:
    assert alice.get(f"{URL}/{uuid4()}").json()["code"] == "not_found"
    assert alice.get(f"{URL}/alice").json()["code"] == "not_found"


def test_a_stranger_cannot_read_users(alice: Person, stranger: Person) -> None:
    assert stranger.get(URL, q="alice").json()["code"] == "auth.required"
    assert stranger.get(f"{URL}/{alice.user.id}").json()["code"] == "auth.required"
