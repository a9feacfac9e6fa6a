"""GET /v1/auth/sessions and DELETE /v1/auth/sessions/{id}"""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts import services
from accounts.models import Session
from tests.clients import Person, codes

URL = "/v1/auth/sessions"


def test_it_works(alice: Person, bob: Person) -> None:
    phone = alice.another_device()

    answer = alice.get(URL).json()

    assert [row["id"] for row in answer["results"]] == [str(phone.session.id), str(alice.session.id)]
    assert [row["current"] for row in answer["results"]] == [False, True]
    assert set(answer["results"][0]) == {
        *("id", "name", "platform", "created_at", "last_used_at", "expires_at", "current")
    }
    assert (answer["next"], answer["previous"]) == (None, None)


def test_listing_sessions_takes_a_fixed_number_of_queries(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        alice.another_device()

    with django_assert_num_queries(2):
        alice.get(URL)


def test_sessions_are_paged_in_both_directions(alice: Person) -> None:
    for _ in range(4):
        alice.another_device()
    everything = alice.get(URL).json()["results"]

    first = alice.get(URL, limit=2).json()
    second = alice.get(URL, limit=2, cursor=first["next"]).json()
    third = alice.get(URL, limit=2, cursor=second["next"]).json()
    back = alice.get(URL, limit=2, cursor=second["previous"]).json()

    assert first["results"] + second["results"] + third["results"] == everything
    assert (first["previous"], third["next"]) == (None, None)
    assert (back["results"], back["previous"]) == (first["results"], None)


def test_expired_sessions_are_not_listed(alice: Person) -> None:
    phone = alice.another_device()
    Session.objects.filter(pk=phone.session.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert len(alice.get(URL).json()["results"]) == 1


def test_invalid_parameters_of_a_list_are_rejected(alice: Person) -> None:
    assert codes(alice.get(URL, limit=101)) == {"limit": "max_value"}
    assert codes(alice.get(URL, limit=0)) == {"limit": "min_value"}
    assert codes(alice.get(URL, limit="1_0")) == {"limit": "invalid"}
    assert codes(alice.get(URL, cursor="forged")) == {"cursor": "invalid"}
    assert codes(alice.get(URL, page=2)) == {"page": "unknown"}
    assert codes(alice.get(URL, limit=["1", "2"])) == {"limit": "repeated"}


def test_a_session_can_be_ended(
    alice: Person, ended: list[UUID], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    phone = alice.another_device()

    with django_capture_on_commit_callbacks(execute=True):
        response = alice.delete(f"{URL}/{phone.session.id}")

    assert response.status_code == 204
    assert ended == [phone.session.id]
    assert phone.get("/v1/me").status_code == 401
    assert alice.get("/v1/me").status_code == 200


def test_charlie_cannot_end_a_session_of_alice(alice: Person, charlie: Person) -> None:
    response = charlie.delete(f"{URL}/{alice.session.id}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert alice.get("/v1/me").status_code == 200


def test_an_unknown_session_gets_404(alice: Person) -> None:
    assert alice.delete(f"{URL}/{uuid4()}").status_code == 404
    assert alice.delete(f"{URL}/everything").status_code == 404


def test_a_stranger_cannot_list_or_end_sessions(stranger: Person) -> None:
    assert stranger.get(URL).json()["code"] == "auth.required"
    assert stranger.delete(f"{URL}/{uuid4()}").json()["code"] == "auth.required"


def test_the_session_used_least_recently_ends_beyond_the_limit(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_SESSIONS", 3)
    phone, tablet = alice.another_device(), alice.another_device()
    Session.objects.filter(pk=phone.session.pk).update(last_used_at=timezone.now() - timedelta(days=1))

    laptop = alice.another_device()

    assert phone.get("/v1/me").status_code == 401
    assert [each.get("/v1/me").status_code for each in (alice, tablet, laptop)] == [200, 200, 200]
