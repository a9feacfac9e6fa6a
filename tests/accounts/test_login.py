"""POST /v1/auth/login"""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.utils import timezone
from pytest_django import Settings

from accounts import administration, passwords
from accounts.models import Session, User
from accounts.passwords import Attempt, turns
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
def test_a_wrong_password_and_an_unknown_name_get_the_same_problem(alice: Person, stranger: Person, name: str) -> None:
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
def test_each_rejected_login_hashes_one_password(
    alice: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hashes: list[str] = []
    for method in ("encode", "verify"):
        monkeypatch.setattr(CheapArgon2PasswordHasher, method, counted(method, hashes))

    stranger.post(URL, {"username": name, "password": "wrong horse"})

    assert hashes == ["wrong horse"]


def test_one_password_is_hashed_at_a_time(alice: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "TURN_SECONDS", 0.0)
    login = {"username": "alice", "password": PASSWORD}

    with turns.turn(Attempt("login", "somebody")):
        response = stranger.post(URL, login)

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response["Retry-After"] == "1"
    assert stranger.post(URL, login).status_code == 200


def guess(stranger: Person, times: int, username: str = "alice", **headers: str) -> list[int]:
    body = {"username": username, "password": "wrong horse"}
    return [stranger.request("POST", URL, body, headers=headers).status_code for _ in range(times)]


def test_the_eleventh_wrong_password_is_rate_limited(alice: Person, stranger: Person) -> None:
    assert guess(stranger, 10) == [401] * 10

    response = stranger.post(URL, {"username": "ALICE", "password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (429, "limit.login")
    assert 1 <= int(response["Retry-After"]) <= 30
    assert response.json()["retryable"] is True


def test_an_unknown_name_is_rate_limited_like_an_account(alice: Person, stranger: Person) -> None:
    assert guess(stranger, 11, "nobody") == guess(stranger, 11, "alice") == [*[401] * 10, 429]


def test_the_owner_can_log_in_from_another_address(alice: Person, stranger: Person, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = (ip_network("127.0.0.0/8"),)
    guess(stranger, 11, **{"X-Forwarded-For": "203.0.113.9"})

    def log_in(address: str) -> int:
        body = {"username": "alice", "password": PASSWORD}
        response = stranger.request("POST", URL, body, headers={"X-Forwarded-For": address})
        return int(response.status_code)

    assert log_in("203.0.113.9") == 429
    assert log_in("198.51.100.1") == 200


def test_the_right_password_resets_the_count(alice: Person, stranger: Person) -> None:
    guess(stranger, 9)
    stranger.post(URL, {"username": "alice", "password": PASSWORD})

    assert guess(stranger, 10) == [401] * 10


@pytest.mark.parametrize("is_known", [True, False])
def test_an_address_that_invents_names_is_rate_limited_but_not_for_accounts(
    alice: Person, stranger: Person, is_known: bool
) -> None:
    if is_known:  # else as after a restart
        stranger.post(URL, {"username": "alice", "password": PASSWORD})

    assert [guess(stranger, 1, f"name-{number}")[0] for number in range(101)] == [*[401] * 100, 429]
    assert stranger.post(URL, {"username": "alice", "password": PASSWORD}).status_code == 200


def test_an_address_that_tries_many_accounts_is_rate_limited_but_not_for_known_ones(
    alice: Person, bob: Person, stranger: Person
) -> None:
    User.objects.bulk_create(User(username=f"name-{number}", password=alice.user.password) for number in range(101))
    stranger.post(URL, {"username": "alice", "password": PASSWORD})

    assert [guess(stranger, 1, f"name-{number}")[0] for number in range(101)] == [*[401] * 100, 429]
    assert stranger.post(URL, {"username": "alice", "password": PASSWORD}).status_code == 200
    assert stranger.post(URL, {"username": "bob", "password": PASSWORD}).status_code == 429


@pytest.mark.parametrize("typed", ["cafe\u0301 sunrise blue", "caf\u00e9 sunrise blue"])
@pytest.mark.parametrize("kept", ["cafe\u0301 sunrise blue", "caf\u00e9 sunrise blue"])
def test_a_password_matches_in_both_normal_forms(alice: Person, stranger: Person, typed: str, kept: str) -> None:
    """Hashes of earlier times are of what was typed; the next login keeps the one of NFC."""
    User.objects.update(password=make_password(kept))

    first = stranger.post(URL, {"username": "alice", "password": typed})

    assert first.status_code == 200
    assert check_password("caf\u00e9 sunrise blue", User.objects.get().password)


def test_a_new_password_is_hashed_in_nfc(stranger: Person) -> None:
    stranger.post("/v1/auth/register", {"username": "dora", "password": "cafe\u0301 sunrise blue"})

    assert check_password("caf\u00e9 sunrise blue", User.objects.get().password)


def test_a_hash_of_eight_threads_is_replaced_at_login(
    alice: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(CheapArgon2PasswordHasher, "parallelism", 8)
        earlier.setattr(CheapArgon2PasswordHasher, "memory_cost", 64)
        User.objects.update(password=make_password(PASSWORD))

    assert stranger.post(URL, {"username": "alice", "password": PASSWORD}).status_code == 200

    assert ",p=1$" in User.objects.get().password


def test_a_disabled_account_is_reported_for_the_right_password_only(alice: Person, stranger: Person) -> None:
    administration.deactivate(user=alice.user)

    right = stranger.post(URL, {"username": "alice", "password": PASSWORD})
    wrong = stranger.post(URL, {"username": "alice", "password": "wrong horse"})

    assert (right.status_code, right.json()["code"]) == (403, "auth.account_disabled")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.bad_credentials")
    assert not Session.objects.exists()


def test_a_login_deletes_long_expired_sessions(alice: Person, stranger: Person) -> None:
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
def test_a_malformed_login_is_rejected_by_field(
    alice: Person, stranger: Person, body: Any, refused: dict[str, str]
) -> None:
    response = stranger.post(URL, body)

    assert response.status_code == 400
    assert codes(response) == refused
