"""Parley-Act-As: a backend calls the chat as one of its users."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import administration, audit
from accounts.models import AuditRecord, KeyScope, Session, User
from api.models import Message
from tests.clients import PASSWORD, Person
from tests.identity.backends import Acting, Backend


def test_it_works(backend: Backend, alice: Person) -> None:
    backend.put("/v1/admin/users/a%20b", {"username": "ada"})

    by_id, by_external_id = backend.acting_as(alice.user.pk), backend.acting_as("external:a%20b")

    assert by_id.get("/v1/me").json()["username"] == "alice"
    assert by_external_id.get("/v1/me").json()["username"] == "ada"
    assert backend.acting_as("external:a b").get("/v1/me").json()["username"] == "ada"


def test_writes_are_recorded_on_behalf_of_the_user(backend: Backend, alice: Person) -> None:
    acting = backend.acting_as(alice.user.pk)

    room = acting.post("/v1/rooms", {"kind": "private", "name": "Tea"}).json()
    sent = acting.post(f"/v1/rooms/{room['id']}/messages", {"client_id": "1", "text": "Hello"})
    again = acting.post(f"/v1/rooms/{room['id']}/messages", {"client_id": "1", "text": "Hello"})
    edited = acting.patch(f"/v1/rooms/{room['id']}/messages/{sent.json()['id']}", {"text": "Bye"})

    assert [answer.status_code for answer in (sent, again, edited)] == [201, 200, 200]
    assert sent.json()["sender"]["id"] == str(alice.user.pk)
    records = AuditRecord.objects.filter(on_behalf_of=alice.user.pk).order_by("pk")
    assert {record.actor for record in records} == {str(backend.key.pk)}
    assert [(record.action, record.target_type, record.room_id is not None) for record in records] == [
        ("create_room", "user", False),
        ("send_message", "room", True),
        ("edit_message", "message", True),
    ]


def test_reads_and_refusals_are_not_recorded(backend: Backend, alice: Person, bob: Person) -> None:
    room = bob.post("/v1/rooms", {"kind": "private", "name": "Tea"}).json()
    acting = backend.acting_as(alice.user.pk)

    acting.get("/v1/rooms")
    refused = acting.post(f"/v1/rooms/{room['id']}/messages", {"client_id": "1", "text": "Hello"})

    assert refused.status_code == 404
    assert not AuditRecord.objects.filter(on_behalf_of=alice.user.pk).exists()
    assert not Message.objects.exists()


def test_the_session_is_made_once_and_is_nobodys_device(backend: Backend, alice: Person) -> None:
    acting = backend.acting_as(alice.user.pk)
    acting.get("/v1/me")
    acting.get("/v1/me")

    [session] = Session.objects.filter(key=backend.key)
    assert len(alice.get("/v1/auth/sessions").json()["results"]) == 1
    assert alice.delete(f"/v1/auth/sessions/{session.pk}").status_code == 404
    alice.post("/v1/auth/logout-all")
    assert acting.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ("", 400),
        ("alice", 400),
        ("external:", 403),
        ("external:nobody", 403),
        ("external:%00", 403),
        ("external:%C3%A9", 403),
        ("external:" + "x" * 10_000, 403),
        ("01a00000-0000-7000-8000-000000000000", 403),
    ],
)
def test_a_user_who_does_not_exist_is_refused(backend: Backend, alice: Person, named: str, status: int) -> None:
    assert backend.acting_as(named).get("/v1/me").status_code == status


def test_an_admin_key_alone_is_nobody(backend: Backend, alice: Person) -> None:
    answer = backend.get("/v1/me")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "Parley-Act-As" in answer.json()["detail"]


def test_others_cannot_act(alice: Person, bob: Person, stranger: Person) -> None:
    bot = Backend(KeyScope.BOT)
    tokens = [bob.token, bot.token, "prk_invented", ""]

    answers = [Acting(token, str(alice.user.pk)).get("/v1/me") for token in tokens]

    assert [answer.status_code for answer in answers] == [403, 403, 401, 401]


def test_some_calls_are_the_users_alone(backend: Backend, alice: Person) -> None:
    acting = backend.acting_as(alice.user.pk)
    calls = [
        ("POST", "/v1/auth/logout-all", None),
        ("GET", "/v1/auth/sessions", None),
        ("POST", "/v1/auth/password", {"old": "x", "new": "correct horse battery"}),
        ("POST", "/v1/auth/exchange", {"token": "a.b.c"}),
        ("DELETE", "/v1/me", {"password": "x"}),
        ("PUT", "/v1/admin/users/42", None),
        ("DELETE", f"/v1/admin/keys/{backend.key.pk}", None),
    ]

    answers = [acting.request(*call) for call in calls]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * len(calls)
    assert backend.acting_as(alice.user.pk).get("/v1/me").status_code == 200


WITHOUT_TOKEN = [
    ("register", {"username": "ada", "password": "correct horse battery"}),
    ("login", {"username": "alice", "password": PASSWORD}),
    ("password-reset", {"email": "alice@example.com"}),
    ("password-reset/confirm", {"token": "x", "password": "correct horse battery"}),
    ("verify-email", {"token": "x"}),
]


@pytest.mark.parametrize(("path", "body"), WITHOUT_TOKEN)
def test_calls_that_need_no_token_are_not_for_keys(
    backend: Backend, alice: Person, path: str, body: dict[str, str]
) -> None:
    keys = [backend, backend.acting_as(alice.user.pk), Backend(KeyScope.BOT), Person("prk_invented")]

    answers = [key.post(f"/v1/auth/{path}", body) for key in keys]
    in_browser = backend.request("POST", f"/v1/auth/{path}", body, headers={"Origin": "https://app.example.com"})

    refused = [(answer.status_code, answer.json()["code"]) for answer in (*answers, in_browser)]
    assert refused == [(403, "forbidden")] * 3 + [(401, "auth.invalid_token"), (403, "key.in_browser")]
    assert not User.objects.filter(username="ada").exists()


@pytest.mark.parametrize("authorization", ["", "Bearer prl_invented", "Basic eDp5", "prk_"])
def test_calls_that_need_no_token_look_none_up(
    stranger: Person, authorization: str, django_assert_num_queries: Any
) -> None:
    headers = {"Authorization": authorization, "Parley-Act-As": "external:42", "Origin": "https://app.example.com"}

    with django_assert_num_queries(0):
        answer = stranger.request("POST", "/v1/auth/login", {}, headers=headers)

    assert answer.status_code == 400


def test_nobody_acts_as_an_account_that_is_disabled_or_deleted(backend: Backend, alice: Person, bob: Person) -> None:
    administration.deactivate(user=alice.user)
    administration.erase(user=bob.user, actor=audit.COMMAND)

    answers = [backend.acting_as(each.user.pk).get("/v1/me") for each in (alice, bob)]

    assert [answer.json()["code"] for answer in answers] == ["auth.account_disabled", "forbidden"]


def test_the_second_call_takes_two_queries_more(
    backend: Backend, alice: Person, django_assert_num_queries: Any
) -> None:
    acting = backend.acting_as(alice.user.pk)
    acting.post("/v1/ping")

    with django_assert_num_queries(3):  # the key, the user, and the session; a token takes one
        acting.post("/v1/ping")


def test_a_method_that_does_not_exist_is_refused_as_for_others(backend: Backend, alice: Person) -> None:
    answers = [who.get("/v1/ping") for who in (alice, backend.acting_as(alice.user.pk), Backend(KeyScope.BOT))]

    assert [answer.json()["code"] for answer in answers] == ["method_not_allowed"] * 3
