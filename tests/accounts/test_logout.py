"""POST /v1/auth/logout and /v1/auth/logout-all"""

from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Session
from accounts.signals import sessions_ended
from tests.clients import Person, codes
from tests.signals import connected


def test_it_works(alice: Person) -> None:
    phone = alice.another_device()

    response = alice.post("/v1/auth/logout")

    assert response.status_code == 204
    assert response.content == b""
    assert alice.get("/v1/me").json()["code"] == "auth.invalid_token"
    assert phone.get("/v1/me").status_code == 200


def test_the_end_is_told_after_the_commit(
    alice: Person, ended: list[UUID], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        alice.post("/v1/auth/logout")
        assert ended == []

    assert ended == [alice.session.id]


def test_a_listener_that_fails_stops_nobody(
    alice: Person,
    ended: list[UUID],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError

    with connected(sessions_ended, fail), django_capture_on_commit_callbacks(execute=True):
        response = alice.post("/v1/auth/logout")

    assert response.status_code == 204
    assert ended == [alice.session.id]


def test_logout_all_ends_every_device_of_mine_alone(
    alice: Person,
    bob: Person,
    ended: list[UUID],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    phone = alice.another_device()

    with django_capture_on_commit_callbacks(execute=True):
        response = alice.post("/v1/auth/logout-all")

    assert response.status_code == 204
    assert phone.get("/v1/me").status_code == 401
    assert set(ended) == {alice.session.id, phone.session.id}
    assert bob.get("/v1/me").status_code == 200


@pytest.mark.parametrize("path", ["/v1/auth/logout", "/v1/auth/logout-all"])
def test_a_body_that_holds_something_is_refused(alice: Person, path: str) -> None:
    response = alice.post(path, {"everywhere": True})

    assert codes(response) == {"everywhere": "unknown"}
    assert Session.objects.count() == 1


@pytest.mark.parametrize("path", ["/v1/auth/logout", "/v1/auth/logout-all"])
def test_a_stranger_is_refused(stranger: Person, path: str) -> None:
    response = stranger.post(path)

    assert (response.status_code, response.json()["code"]) == (401, "auth.required")
