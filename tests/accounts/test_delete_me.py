"""DELETE /v1/me"""

from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import services
from accounts.models import Session, User
from accounts.signals import account_deleting
from tests.clients import PASSWORD, Person, codes
from tests.signals import connected
from wire.problems import Problem

URL = "/v1/me"


def test_it_works(
    alice: Person,
    bob: Person,
    ended: list[UUID],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    phone = alice.another_device()

    with django_capture_on_commit_callbacks(execute=True):
        response = alice.delete(URL, {"password": PASSWORD})

    assert response.status_code == 204
    assert set(ended) == {alice.session.id, phone.session.id}
    assert alice.get(URL).status_code == 401
    assert bob.get("/v1/users", q="alice").json()["results"] == []


def test_the_tombstone_has_no_personal_data(alice: Person, bob: Person) -> None:
    alice.patch(URL, {"avatar_url": "https://example.org/a.png", "metadata": {"city": "Oxford"}})

    alice.delete(URL, {"password": PASSWORD})

    tombstone = bob.get(f"/v1/users/{alice.user.id}").json()
    assert tombstone["id"] == str(alice.user.id)
    assert tombstone["username"].startswith("deleted-")
    assert tombstone["display_name"] == "Deleted account"
    assert (tombstone["avatar_url"], tombstone["metadata"]) == (None, {})
    row = str(User.objects.filter(pk=alice.user.pk).values().get()).lower()
    assert not [trace for trace in ("alice", "liddell", "oxford", "argon2") if trace in row]


def test_the_name_of_a_deleted_account_remains_taken(alice: Person, stranger: Person) -> None:
    alice.delete(URL, {"password": PASSWORD})

    again = stranger.post("/v1/auth/register", {"username": "alice", "password": PASSWORD})
    login = stranger.post("/v1/auth/login", {"username": "alice", "password": PASSWORD})

    assert (again.status_code, again.json()["code"]) == (409, "auth.username_taken")
    assert (login.status_code, login.json()["code"]) == (401, "auth.bad_credentials")
    assert User.objects.count() == 1
    assert not Session.objects.exists()


def test_an_account_can_be_deleted_by_post(alice: Person) -> None:
    assert alice.post("/v1/me/delete", {"password": "wrong horse"}).json()["code"] == "auth.wrong_password"
    assert codes(alice.post("/v1/me/delete")) == {"password": "required"}

    assert alice.post("/v1/me/delete", {"password": PASSWORD}).status_code == 204
    assert alice.get(URL).json()["code"] == "auth.invalid_token"


def test_two_accounts_can_be_deleted(alice: Person, bob: Person) -> None:
    assert alice.delete(URL, {"password": PASSWORD}).status_code == 204
    assert bob.delete(URL, {"password": PASSWORD}).status_code == 204


def test_a_wrong_password_deletes_nothing(alice: Person) -> None:
    response = alice.delete(URL, {"password": "wrong horse"})

    assert (response.status_code, response.json()["code"]) == (403, "auth.wrong_password")
    assert alice.get(URL).json()["username"] == "alice"


def test_a_listener_that_raises_stops_the_deletion(alice: Person) -> None:
    def refuse(**_: Any) -> None:
        raise Problem("auth.wrong_password", "Hand your room over first.")

    with connected(account_deleting, refuse):
        response = alice.delete(URL, {"password": PASSWORD})

    assert response.status_code == 403
    assert alice.get(URL).json()["username"] == "alice"


def test_an_ended_session_cannot_delete_the_account(alice: Person) -> None:
    session = alice.session
    services.log_out_all(user=alice.user)

    with pytest.raises(Problem, match=r"auth\.invalid_token"):
        services.delete_account(session=session, password=PASSWORD)

    assert User.objects.get().is_active


def test_a_deletion_without_the_password_is_rejected(alice: Person) -> None:
    assert codes(alice.delete(URL)) == {"password": "required"}


def test_a_stranger_cannot_delete_an_account(stranger: Person) -> None:
    assert stranger.delete(URL, {"password": PASSWORD}).json()["code"] == "auth.required"
