"""GET and PATCH /v1/me"""

from typing import Any

import pytest

from accounts.models import User
from tests.clients import Person, codes

URL = "/v1/me"


def test_it_works(alice: Person) -> None:
    response = alice.get(URL)

    me = response.json()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert me["id"] == str(alice.user.id)
    assert {"id", "username", "display_name", "avatar_url", "kind", "metadata", "created_at"} <= set(me)


def test_others_see_a_changed_profile(alice: Person, bob: Person) -> None:
    profile = {"display_name": "Al \U0001f407", "avatar_url": "https://example.org/a.png", "metadata": {"a": [1, None]}}

    response = alice.patch(URL, profile)

    assert response.status_code == 200
    assert response.json().items() >= profile.items()
    assert bob.get(f"/v1/users/{alice.user.id}").json().items() >= profile.items()


def test_absent_fields_are_not_changed(alice: Person) -> None:
    alice.patch(URL, {"display_name": "Al", "avatar_url": "https://example.org/a.png"})

    me = alice.patch(URL, {"metadata": {"a": 1}}).json()

    assert (me["display_name"], me["avatar_url"]) == ("Al", "https://example.org/a.png")
    assert alice.patch(URL, {}).json() == me


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_avatar_can_be_removed(alice: Person, nothing: str | None) -> None:
    alice.patch(URL, {"avatar_url": "https://example.org/a.png"})

    assert alice.patch(URL, {"avatar_url": nothing}).json()["avatar_url"] is None


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9000/a.png",
        "HTTPS://Example.ORG",
        "https://bücher.example/ä.png",
        "https://例え.テスト/",
        "https://[2001:db8::1]:8443/a.png?s=64#x",
        "http://10.0.0.7/a.png",
        "https://pictures.photography/a{1}.png",
        "https://under_score.example.org./",
    ],
)
def test_an_avatar_may_be_any_web_address(alice: Person, url: str) -> None:
    assert alice.patch(URL, {"avatar_url": url}).json()["avatar_url"] == url


def test_null_does_not_change_a_required_value(alice: Person) -> None:
    alice.patch(URL, {"metadata": {"a": 1}})
    before = alice.get(URL).json()

    response = alice.patch(URL, {"display_name": None, "metadata": None})

    assert (response.status_code, response.json()) == (200, before)


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"username": "ab"}, {"username": "invalid"}),
        ({"username": "Admin"}, {"username": "reserved"}),
        ({"username": "deleted-1"}, {"username": "reserved"}),
        ({"email": "alice"}, {"email": "invalid"}),
        ({"email": "Alice <alice@example.com>"}, {"email": "invalid"}),
        ({"email": "alice@example.com\r\nBcc: bob@example.com"}, {"email": "control"}),
        ({"email": "a" * 64 + "@" + "b" * 190}, {"email": "invalid"}),
        ({"email": "alice@example.com"}, {"password": "required"}),
        ({"id": "1", "is_active": False}, {"id": "unknown", "is_active": "unknown"}),
        ({"display_name": ""}, {"display_name": "blank"}),
        ({"display_name": " \u3000 "}, {"display_name": "blank"}),
        ({"display_name": 5}, {"display_name": "type"}),
        ({"display_name": "a\nb"}, {"display_name": "control"}),
        ({"display_name": "a\u200bb"}, {"display_name": "invisible"}),
        ({"display_name": "a" + "\u0301" * 9}, {"display_name": "marks"}),
        ({"avatar_url": "https://alice:secret@example.org/a.png"}, {"avatar_url": "invalid"}),
        ({"avatar_url": "https://example.org\\@evil.example/"}, {"avatar_url": "invalid"}),
        ({"avatar_url": 'https://example.org/" onerror=x'}, {"avatar_url": "invalid"}),
        ({"avatar_url": "https://example.org/\x7f"}, {"avatar_url": "control"}),
        ({"avatar_url": "https://[::1/a.png"}, {"avatar_url": "invalid"}),
        ({"avatar_url": "https://[::1]evil.example/"}, {"avatar_url": "invalid"}),
        ({"avatar_url": "https://example.org:99999/"}, {"avatar_url": "invalid"}),
        ({"avatar_url": "https:///a.png"}, {"avatar_url": "invalid"}),
        ({"metadata": {"a": [{"__proto__": 1}]}}, {"metadata": "forbidden_key"}),
        ({"avatar_url": "javascript:alert(1)"}, {"avatar_url": "invalid"}),
        ({"avatar_url": "ftp://example.org/a.png"}, {"avatar_url": "invalid"}),
        ({"avatar_url": "https://example.org/" + "a" * 500}, {"avatar_url": "max_length"}),
        ({"metadata": []}, {"metadata": "type"}),
        ({"metadata": {"a": "x" * 4096}}, {"metadata": "max_bytes"}),
    ],
)
def test_an_invalid_profile_changes_nothing(alice: Person, body: Any, refused: dict[str, str]) -> None:
    before = User.objects.values().get()

    response = alice.patch(URL, body)

    assert response.status_code == 400
    assert codes(response) == refused
    assert User.objects.values().get() == before


def test_a_stranger_has_no_profile(stranger: Person) -> None:
    assert stranger.get(URL).json()["code"] == "auth.required"
    assert stranger.patch(URL, {}).json()["code"] == "auth.required"
