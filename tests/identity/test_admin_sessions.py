"""POST and DELETE /v1/admin/users/{external_id}/sessions"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.authentication import find_session
from accounts.models import AuditRecord, ExternalIdentity, Session
from tests.clients import codes
from tests.identity.backends import Backend

USER = "/v1/admin/users/42"
URL = f"{USER}/sessions"


@pytest.fixture(autouse=True)
def _user(backend: Backend) -> None:
    backend.put(USER, {"username": "ada"})


def test_it_works(backend: Backend) -> None:
    answer = backend.post(URL, {"device": {"name": "Ada's phone", "platform": "ios"}})

    assert answer.status_code == 201
    assert set(answer.json()) == {"token", "session", "user"}
    assert answer.json()["session"]["name"] == "Ada's phone"
    assert answer.json()["user"]["username"] == "ada"
    assert answer.json()["token"].startswith("prl_")


def test_the_session_is_the_users(backend: Backend) -> None:
    phone = backend.open_session("42")

    assert phone.get("/v1/me").json()["username"] == "ada"
    assert len(phone.get("/v1/auth/sessions").json()["results"]) == 1
    assert phone.post("/v1/auth/logout").status_code == 204


def test_expires_in_bounds_the_session_however_it_is_used(backend: Backend) -> None:
    phone = backend.open_session("42", expires_in=3_600)
    Session.objects.filter(pk=phone.session.pk).update(last_used_at=timezone.now() - timedelta(minutes=5))

    used = find_session(phone.token)

    assert used.last_used_at > timezone.now() - timedelta(minutes=1)
    assert used.expires_at == used.ends_at == phone.session.ends_at


@pytest.mark.parametrize("expires_in", [0, -1, 10**12, "60", 1.5, True])
def test_a_malformed_time_is_refused(backend: Backend, expires_in: Any) -> None:
    answer = backend.post(URL, {"expires_in": expires_in})

    assert (answer.status_code, list(codes(answer))) == (400, ["expires_in"])


def test_delete_ends_all(backend: Backend) -> None:
    phones = [backend.open_session("42"), backend.open_session("42")]

    answers = [backend.delete(URL), backend.delete(URL)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert [phone.get("/v1/me").status_code for phone in phones] == [401, 401]
    assert ExternalIdentity.objects.get(external_id="42").tokens_valid_after is not None
    assert AuditRecord.objects.filter(action="user.sessions_ended").count() == 1
