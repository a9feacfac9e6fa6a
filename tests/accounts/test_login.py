"""POST /v1/auth/login"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.utils import timezone

from accounts import services
from accounts.models import Session
from tests.clients import PASSWORD, Person, codes
from tests.hashers import CheapArgon2PasswordHasher

URL = "/v1/auth/login"


def test_it_works(alice: Person, stranger: Person) -> None:
    response = stranger.post(URL, {"username": "Alice", "password": PASSWORD, "device": {"name": "Laptop"}})

    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {"token", "session", "user"}
    assert answer["user"]["id"] == str(alice.user.id)
    assert answer["session"]["name"] == "Laptop"
    assert Person(answer["token"]).get("/v1/me").status_code == 200
    assert alice.get("/v1/me").status_code == 200  # the other device stays


@pytest.mark.parametrize("name", ["alice", "nobody", "not a name", "x" * 150])
def test_a_wrong_password_and_an_unknown_name_look_alike(alice: Person, stranger: Person, name: str) -> None:
    response = stranger.post(URL, {"username": name, "password": "wrong horse"})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json() | {"request_id": ""} == {
        "type": "/problems/auth.bad_credentials",
        "title": "The username or the password is wrong.",
        "status": 401,
        "detail": "The username or the password is wrong.",
        "code": "auth.bad_credentials",
        "errors": [],
        "retryable": False,
        "retry_after_ms": None,
        "request_id": "",
    }


def counted(method: str, hashes: list[str]) -> Callable[..., Any]:
    """The hasher's own method, which also notes the password that it hashed."""
    original = getattr(CheapArgon2PasswordHasher, method)

    def hash_and_note(self: CheapArgon2PasswordHasher, password: str, other: str) -> Any:
        hashes.append(password)
        return original(self, password, other)

    return hash_and_note


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_each_refusal_costs_one_password_hash(
    alice: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hashes: list[str] = []
    for method in ("encode", "verify"):
        monkeypatch.setattr(CheapArgon2PasswordHasher, method, counted(method, hashes))

    stranger.post(URL, {"username": name, "password": "wrong horse"})

    assert hashes == ["wrong horse"]


def test_only_a_few_passwords_are_hashed_at_once(
    alice: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "HASH_TURN_SECONDS", 0.0)
    login = {"username": "alice", "password": PASSWORD}

    with ExitStack() as hashing:
        for _ in range(services.HASHES_AT_ONCE):
            hashing.enter_context(services._turn_to_hash())
        response = stranger.post(URL, login)

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response["Retry-After"] == "1"
    assert stranger.post(URL, login).status_code == 200


def test_only_some_wait_to_be_hashed(alice: Person, stranger: Person) -> None:
    """Who would wait behind them is refused at once: the threads that are left are for other requests."""
    login = {"username": "alice", "password": PASSWORD}

    with ExitStack() as waiting:
        for _ in range(services.HASHES_AT_ONCE):
            waiting.enter_context(services._turn_to_hash())
        for _ in range(services.HASHES_WAITING):
            waiting.enter_context(services._hash_queue)
        began = monotonic()
        response = stranger.post(URL, login)
        took = monotonic() - began

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response["Retry-After"] == "1"
    assert took < services.HASH_TURN_SECONDS / 2
    assert stranger.post(URL, login).status_code == 200


def test_a_disabled_account_is_told_so_for_the_right_password_only(alice: Person, stranger: Person) -> None:
    services.deactivate(user=alice.user)

    right = stranger.post(URL, {"username": "alice", "password": PASSWORD})
    wrong = stranger.post(URL, {"username": "alice", "password": "wrong horse"})

    assert (right.status_code, right.json()["code"]) == (403, "auth.account_disabled")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.bad_credentials")
    assert not Session.objects.exists()


def test_long_expired_sessions_are_swept_out(alice: Person, stranger: Person) -> None:
    Session.objects.update(expires_at=timezone.now() - timedelta(days=2))

    stranger.post(URL, {"username": "alice", "password": PASSWORD})

    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, {"username": "required", "password": "required"}),
        ({"username": "alice", "password": PASSWORD, "remember": 1}, {"remember": "unknown"}),
        ({"username": "alice", "password": "x" * 1025}, {"password": "max_length"}),
        ({"username": ["alice"], "password": PASSWORD}, {"username": "type"}),
    ],
)
def test_a_malformed_body_is_refused_by_field(
    alice: Person, stranger: Person, body: Any, refused: dict[str, str]
) -> None:
    response = stranger.post(URL, body)

    assert response.status_code == 400
    assert codes(response) == refused
