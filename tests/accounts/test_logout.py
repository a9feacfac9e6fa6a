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


def test_listeners_are_notified_after_the_commit(
    alice: Person, ended: list[UUID], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        alice.post("/v1/auth/logout")
        assert ended == []

    assert ended == [alice.session.id]


def test_a_failing_listener_does_not_stop_the_others(
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


def test_logout_all_ends_every_session_of_the_user_only(
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
def test_a_logout_with_a_body_is_rejected(alice: Person, path: str) -> None:
    response = alice.post(path, {"everywhere": True})

    assert codes(response) == {"everywhere": "unknown"}
    assert Session.objects.count() == 1


@pytest.mark.parametrize("path", ["/v1/auth/logout", "/v1/auth/logout-all"])
def test_a_stranger_cannot_log_out(stranger: Person, path: str) -> None:
    response = stranger.post(path)

    assert (response.status_code, response.json()["code"]) == (401, "auth.required")
