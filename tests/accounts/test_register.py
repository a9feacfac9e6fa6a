"""POST /v1/auth/register"""

from typing import Any

import pytest

from accounts.models import Session, User
from settings import base
from tests.clients import PASSWORD, Person, codes

URL = "/v1/auth/register"


def test_it_works(stranger: Person) -> None:
    body = {"username": "Dora", "password": PASSWORD, "device": {"name": "Pixel", "platform": "android"}}

    response = stranger.post(URL, body)

    answer = response.json()
    assert response.status_code == 201
    assert set(answer) == {"token", "session", "user"}
    assert answer["token"].startswith("prl_")
    assert len(answer["token"]) == 47  # 256 bits
    assert answer["user"] | {"id": "", "created_at": ""} == {
        "id": "",
        "username": "dora",
        "display_name": "dora",
        "avatar_url": None,
        "kind": "person",
        "metadata": {},
        "created_at": "",
    }
    assert answer["session"]["name"] == "Pixel"
    assert answer["session"]["platform"] == "android"
    assert answer["session"]["current"] is True
    assert Person(answer["token"]).get("/v1/me").json()["username"] == "dora"


def test_ids_are_uuid7_and_times_are_utc_milliseconds(stranger: Person) -> None:
    user = stranger.post(URL, {"username": "dora", "password": PASSWORD}).json()["user"]

    assert user["id"][14] == "7"
    assert len(user["created_at"]) == len("2026-01-01T00:00:00.000Z")
    assert user["created_at"].endswith("Z")


def test_no_secret_is_stored(stranger: Person) -> None:
    token = stranger.post(URL, {"username": "dora", "password": PASSWORD}).json()["token"]

    session, user = Session.objects.get(), User.objects.get()
    assert token.encode() not in bytes(session.token_hash)
    assert PASSWORD not in user.password
    assert user.password.startswith("argon2$")


def test_the_real_hasher_is_argon2() -> None:
    assert base.PASSWORD_HASHERS == ["accounts.hashers.OneCoreArgon2PasswordHasher"]


@pytest.mark.parametrize("spelling", ["alice", "ALICE", "\uff21lice"])
def test_a_taken_name_is_rejected_in_every_spelling(alice: Person, stranger: Person, spelling: str) -> None:
    response = stranger.post(URL, {"username": spelling, "password": PASSWORD})

    assert response.status_code == 409
    assert response.json()["code"] == "auth.username_taken"
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["ab", "x" * 33, "with space", "a/b", "", "caf\u00e9", "a\nb", "nul\x01l"])
def test_a_malformed_username_is_rejected(stranger: Person, name: str) -> None:
    response = stranger.post(URL, {"username": name, "password": PASSWORD})

    assert response.status_code == 400
    assert "username" in codes(response)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        *("deleted-1", "Admin", "administrator", "root", "null", "undefined", "everyone", "here", "channel", "support"),
        *("bot", "parley", "deleted", "me.", "_system_", "ad.min", "...", "\uff33upport"),
    ],
)
def test_a_name_that_looks_like_the_service_is_reserved(stranger: Person, name: str) -> None:
    response = stranger.post(URL, {"username": name, "password": PASSWORD})

    assert (response.status_code, codes(response)) == (400, {"username": "reserved"})
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["adminton", "rooty", "me-too", "bob-the-bot", "null0"])
def test_a_name_that_contains_a_reserved_one_is_free(stranger: Person, name: str) -> None:
    assert stranger.post(URL, {"username": name, "password": PASSWORD}).status_code == 201


def test_an_older_account_with_a_reserved_name_still_works(alice: Person, stranger: Person) -> None:
    User.objects.update(username="admin")

    assert stranger.post("/v1/auth/login", {"username": "admin", "password": PASSWORD}).status_code == 200
    assert stranger.post(URL, {"username": "admin", "password": PASSWORD}).status_code == 400


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("password1", "password_too_common"),
        ("8372910465", "password_entirely_numeric"),
        ("doradora1", "password_too_similar"),
        ("x" * 1025, "max_length"),
    ],
)
def test_a_weak_password_is_rejected_with_the_reason(stranger: Person, password: str, code: str) -> None:
    response = stranger.post(URL, {"username": "doradora", "password": password})

    assert response.json()["code"] == "request.invalid"
    assert codes(response)["password"] == code
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, {"username": "required", "password": "required"}),
        ([], {"": "invalid"}),
        (3, {"": "invalid"}),
        ({"username": 12345, "password": PASSWORD}, {"username": "type"}),
        ({"username": "dora", "password": True}, {"password": "type"}),
        ({"username": "dora", "password": None}, {"password": "null"}),
        ({"username": "dora", "password": PASSWORD, "is_active": True}, {"is_active": "unknown"}),
        ({"username": "dora", "password": PASSWORD, "device": "phone"}, {"device": "type"}),
        ({"username": "dora", "password": PASSWORD, "device": {"os": "x"}}, {"device.os": "unknown"}),
        ({"username": "dora", "password": PASSWORD, "device": {"name": "x" * 65}}, {"device.name": "max_length"}),
        ({"username": "dora", "password": PASSWORD, "display_name": "x" * 65}, {"display_name": "max_length"}),
        ({"username": "dora", "password": PASSWORD, "display_name": "a\tb"}, {"display_name": "control"}),
    ],
)
def test_a_malformed_registration_is_rejected_by_field(stranger: Person, body: Any, refused: dict[str, str]) -> None:
    response = stranger.post(URL, body)

    assert response.status_code == 400
    assert codes(response) == refused
    assert not User.objects.exists()


def test_a_stale_token_does_not_prevent_a_registration(db: None) -> None:
    response = Person("prl_expired").post(URL, {"username": "dora", "password": PASSWORD})

    assert response.status_code == 201
