"""PATCH /v1/me {username}"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import usernames
from accounts.models import HeldUsername, User
from tests.accounts.test_races import at_once
from tests.clients import PASSWORD, Person, join_parley

URL = "/v1/me"
REGISTER = "/v1/auth/register"


def rename(person: Person, name: str) -> tuple[int, str | None]:
    response = person.patch(URL, {"username": name})
    return response.status_code, response.json().get("code")


def test_it_works(alice: Person, bob: Person, stranger: Person) -> None:
    response = alice.patch(URL, {"username": "Queen"})

    assert (response.status_code, response.json()["username"]) == (200, "queen")
    assert alice.get(URL).json()["username"] == "queen"
    assert bob.get(f"/v1/users/{alice.user.id}").json()["username"] == "queen"
    assert [user["username"] for user in bob.get("/v1/users", q="queen").json()["results"]] == ["queen"]
    assert stranger.post("/v1/auth/login", {"username": "QUEEN", "password": PASSWORD}).status_code == 200
    assert stranger.post("/v1/auth/login", {"username": "alice", "password": PASSWORD}).status_code == 401


def test_new_messages_have_the_new_name(alice: Person) -> None:
    room = alice.post("/v1/rooms", {"kind": "private", "name": "Tea"}).json()["id"]

    rename(alice, "queen")

    message = alice.post(f"/v1/rooms/{room}/messages", {"client_id": "1", "text": "hi"}).json()
    assert message["sender"]["username"] == "queen"


def test_the_former_name_is_free_to_nobody_else_for_a_year(alice: Person, bob: Person, stranger: Person) -> None:
    rename(alice, "queen")

    registered = stranger.post(REGISTER, {"username": "alice", "password": PASSWORD})

    assert (registered.status_code, registered.json()["code"]) == (409, "auth.username_taken")
    assert rename(bob, "alice") == (409, "auth.username_taken")
    assert bob.get(URL).json()["username"] == "bob"
    HeldUsername.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert rename(bob, "alice") == (200, None)


def test_its_owner_can_take_the_former_name_back(alice: Person, bob: Person) -> None:
    rename(alice, "queen")

    assert rename(alice, "alice") == (200, None)
    assert rename(bob, "queen") == (409, "auth.username_taken")


def test_the_former_names_of_a_deleted_account_are_held_too(alice: Person, bob: Person, stranger: Person) -> None:
    rename(alice, "queen")

    alice.delete(URL, {"password": PASSWORD})

    assert rename(bob, "alice") == (409, "auth.username_taken")
    assert rename(bob, "queen") == (409, "auth.username_taken")
    assert stranger.post(REGISTER, {"username": "queen", "password": PASSWORD}).status_code == 409
    held = str(list(HeldUsername.objects.values()))
    assert "alice" not in held


@pytest.mark.parametrize("name", ["bob", "BOB", "\uff22ob"])
def test_a_taken_name_is_refused_in_every_spelling(alice: Person, bob: Person, name: str) -> None:
    assert rename(alice, name) == (409, "auth.username_taken")
    assert alice.get(URL).json()["username"] == "alice"
    assert not HeldUsername.objects.exists()


def test_a_refused_name_changes_nothing_else(alice: Person, bob: Person) -> None:
    alice.patch(URL, {"username": "bob", "display_name": "Bob"})

    assert alice.get(URL).json()["display_name"] == "Alice Liddell"


def test_the_same_name_again_changes_nothing(alice: Person) -> None:
    assert rename(alice, "ALICE") == (200, None)
    assert not HeldUsername.objects.exists()


def test_an_older_account_keeps_its_reserved_name_until_it_changes_it(alice: Person) -> None:
    User.objects.update(username="admin")

    assert alice.patch(URL, {"display_name": "Al"}).status_code == 200
    assert rename(alice, "admin") == (400, "request.invalid")


def test_nobody_can_collect_names(alice: Person) -> None:
    answers = [rename(alice, f"queen{number}") for number in range(usernames.MAX_HELD + 1)]

    assert answers == [(200, None)] * usernames.MAX_HELD + [(409, "username.limit")]
    assert rename(alice, "alice") == (200, None)  # one of the held names frees its place


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_name_at_once_one_gets_it() -> None:
    people = [join_parley(f"person{number}") for number in range(3)]

    answers = at_once(
        *[lambda person=person: rename(person, "queen") for person in people],
        lambda: Person().post(REGISTER, {"username": "queen", "password": PASSWORD}).status_code,
    )

    taken = [(200, None), 201]
    assert sum(answer in taken for answer in answers) == 1
    assert set(answers) - set(taken) <= {(409, "auth.username_taken"), 409}
    assert User.objects.filter(username="queen").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_being_given_up_cannot_be_taken() -> None:
    dora, eve = join_parley("dora"), join_parley("eve")

    changed, *others = at_once(
        lambda: rename(dora, "queen"),
        lambda: rename(eve, "dora"),
        *[lambda: Person().post(REGISTER, {"username": "dora", "password": PASSWORD}).status_code] * 3,
    )

    assert changed == (200, None)
    assert others == [(409, "auth.username_taken"), 409, 409, 409]
