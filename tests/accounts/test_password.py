"""POST /v1/auth/password"""

from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from tests.clients import PASSWORD, Person, codes, join_parley

URL = "/v1/auth/password"
NEW = "another fine phrase"


def test_it_works(
    alice: Person,
    stranger: Person,
    ended: list[UUID],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    phone = alice.another_device()

    with django_capture_on_commit_callbacks(execute=True):
        response = alice.post(URL, {"old": PASSWORD, "new": NEW})

    assert response.status_code == 204
    assert ended == [phone.session.id]
    assert alice.get("/v1/me").status_code == 200
    assert phone.get("/v1/me").status_code == 401
    assert stranger.post("/v1/auth/login", {"username": "alice", "password": NEW}).status_code == 200
    assert stranger.post("/v1/auth/login", {"username": "alice", "password": PASSWORD}).status_code == 401


def test_a_wrong_old_password_changes_nothing(alice: Person) -> None:
    phone = alice.another_device()

    response = alice.post(URL, {"old": "wrong horse", "new": NEW})

    assert (response.status_code, response.json()["code"]) == (403, "auth.wrong_password")
    assert phone.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("new", "code"), [("short", "password_too_short"), ("alice liddell", "password_too_similar"), ("", "blank")]
)
def test_a_weak_new_password_is_rejected(alice: Person, new: str, code: str) -> None:
    response = alice.post(URL, {"old": PASSWORD, "new": new})

    assert response.status_code == 400
    assert codes(response)["new"] == code


def test_a_malformed_change_of_password_is_rejected(alice: Person) -> None:
    assert codes(alice.post(URL, {"password": NEW})) == {"old": "required", "new": "required", "password": "unknown"}


def test_a_stranger_cannot_change_a_password(stranger: Person) -> None:
    assert stranger.post(URL, {"old": PASSWORD, "new": NEW}).json()["code"] == "auth.required"


def test_wrong_old_passwords_are_rate_limited(alice: Person) -> None:
    responses = [alice.post(URL, {"old": f"wrong {number}", "new": NEW}) for number in range(11)]

    assert [response.status_code for response in responses] == [*[403] * 10, 429]
    assert responses[-1].json()["code"] == "limit.login"
    for method, path in (("DELETE", "/v1/me"), ("POST", "/v1/me/delete")):
        assert alice.request(method, path, {"password": PASSWORD}).json()["code"] == "limit.login"
    assert alice.another_device().get("/v1/me").status_code == 200


@pytest.mark.django_db
def test_changes_of_a_password_are_rate_limited(settings: Settings) -> None:
    settings.RATE_LIMITS = True
    often = join_parley(f"often-{uuid4().hex[:8]}")
    passwords = [PASSWORD, *(f"another fine phrase {number}" for number in range(11))]

    answers = [often.post(URL, {"old": old, "new": new}) for old, new in pairwise(passwords)]

    assert [answer.status_code for answer in answers] == [*[204] * 10, 429]
    assert answers[-1].json()["code"] == "limit.password"
