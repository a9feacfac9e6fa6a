"""POST /v1/auth/exchange"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import exchange
from accounts.models import ExternalIdentity, KeyScope, Session, User
from tests.api.stories import inbox_of
from tests.clients import Person
from tests.identity.backends import Backend, claims, person_of, sign
from wire import rates

URL = "/v1/auth/exchange"
pytestmark = pytest.mark.usefixtures("_jwt")


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_it_works(stranger: Person) -> None:
    payload = claims(name="Ada", picture="https://cdn.example.com/a.png")

    answer = stranger.post(URL, {"token": sign(payload), "device": {"name": "Ada's phone"}})

    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "session", "user"}
    assert (answer.json()["user"]["display_name"], answer.json()["session"]["name"]) == ("Ada", "Ada's phone")
    assert answer.json()["user"]["avatar_url"] == "https://cdn.example.com/a.png"
    assert person_of(answer).get("/v1/me").json()["id"] == answer.json()["user"]["id"]


def test_the_user_is_made_once(stranger: Person) -> None:
    logins = [stranger.post(URL, {"token": sign(claims())}).json() for _ in range(2)]

    assert logins[0]["user"] == logins[1]["user"]
    assert logins[0]["token"] != logins[1]["token"]
    assert ExternalIdentity.objects.get().external_id == "42"
    assert not User.objects.get().has_usable_password()


def test_it_is_the_user_whom_the_backend_made(stranger: Person, backend: Backend) -> None:
    made = backend.put("/v1/admin/users/42", {"username": "ada"}).json()

    assert stranger.post(URL, {"token": sign(claims())}).json()["user"]["id"] == made["id"]


def test_new_claims_rename_the_user(stranger: Person) -> None:
    answer = stranger.post(URL, {"token": sign(claims(name="Ada", picture="https://cdn.example.com/a.png"))})

    renamed = stranger.post(URL, {"token": sign(claims(name="Ada Lovelace"))}).json()["user"]
    without = stranger.post(URL, {"token": sign(claims())}).json()["user"]

    assert (renamed["display_name"], renamed["avatar_url"]) == ("Ada Lovelace", "https://cdn.example.com/a.png")
    assert without == renamed
    [event] = inbox_of(person_of(answer))
    assert (event["type"], event["data"]["display_name"]) == ("me.updated", "Ada Lovelace")


@pytest.mark.parametrize("name", ["\u202eada", "x" * 65, "", 5, None, ["Ada"], "a\nb"])
@pytest.mark.parametrize("picture", ["javascript:alert(1)", {"url": "x"}, "http://["])
def test_claims_that_the_profile_refuses_are_left_out(stranger: Person, name: Any, picture: Any) -> None:
    user = stranger.post(URL, {"token": sign(claims(name=name, picture=picture))}).json()["user"]

    assert (user["display_name"], user["avatar_url"]) == (user["username"], None)


def test_the_session_ends_with_the_token(stranger: Person) -> None:
    payload = claims(exp=int(time.time()) + 300)

    session = person_of(stranger.post(URL, {"token": sign(payload)})).session

    assert session.expires_at.timestamp() == payload["exp"]


def test_within_the_leeway_the_session_is_alive(stranger: Person) -> None:
    answer = stranger.post(URL, {"token": sign(claims(exp=int(time.time()) - 10))})

    assert answer.status_code == 200
    assert person_of(answer).get("/v1/me").status_code == 200


def test_a_fresh_token_extends_the_session_of_the_request(stranger: Person) -> None:
    phone = person_of(stranger.post(URL, {"token": sign(claims(exp=int(time.time()) + 60))}))
    fresh, older = claims(), claims(exp=int(time.time()) + 30)

    answers = [phone.post(URL, {"token": sign(each)}) for each in (fresh, older)]

    for answer in answers:
        assert (answer.status_code, answer.json()["token"]) == (200, phone.token)
        assert answer.json()["session"]["id"] == str(phone.session.pk)
    assert Session.objects.get().expires_at.timestamp() == fresh["exp"]


def test_a_use_at_the_same_moment_does_not_undo_the_extension(stranger: Person) -> None:
    from accounts.authentication import touch

    phone = person_of(stranger.post(URL, {"token": sign(claims(exp=int(time.time()) + 60))}))
    phone.post(URL, {"token": sign(fresh := claims())})

    touch(phone.session, timezone.now())  # of the session as it was before

    assert Session.objects.get().expires_at.timestamp() == fresh["exp"]


def test_a_session_is_not_extended_by_another_users_token(stranger: Person) -> None:
    phone = person_of(stranger.post(URL, {"token": sign(claims())}))

    answer = phone.post(URL, {"token": sign(claims("43"))})

    assert refusal(answer) == (403, "auth.other_user")
    assert not ExternalIdentity.objects.filter(external_id="43").exists()


def test_a_session_that_has_ended_is_not_extended(stranger: Person) -> None:
    phone = person_of(stranger.post(URL, {"token": sign(claims())}))
    phone.post("/v1/auth/logout")

    assert refusal(phone.post(URL, {"token": sign(claims())})) == (401, "auth.invalid_token")


def test_a_session_of_a_password_is_not_bound_to_a_token(backend: Backend, stranger: Person) -> None:
    backend.put("/v1/admin/users/42")
    phone = backend.open_session("42")
    before = phone.session.expires_at

    answer = phone.post(URL, {"token": sign(claims())})

    assert answer.status_code == 200
    assert Session.objects.get(pk=phone.session.pk).expires_at >= before


def test_a_key_cannot_exchange(backend: Backend) -> None:
    for client in (backend, Backend(KeyScope.BOT)):
        assert refusal(client.post(URL, {"token": sign(claims())})) == (403, "forbidden")


@pytest.mark.parametrize("how", ["inactive", "sessions"])
def test_tokens_of_before_are_revoked(stranger: Person, backend: Backend, how: str) -> None:
    token = sign(claims())
    phone = person_of(stranger.post(URL, {"token": token}))

    if how == "inactive":
        backend.put("/v1/admin/users/42", {"is_active": False})
        backend.put("/v1/admin/users/42", {"is_active": True})
    else:
        backend.delete("/v1/admin/users/42/sessions")

    assert phone.get("/v1/me").status_code == 401
    assert refusal(stranger.post(URL, {"token": token})) == (401, "auth.token_revoked")
    later = int(time.time()) + 2  # within the leeway
    assert stranger.post(URL, {"token": sign(claims(iat=later))}).status_code == 200


def test_an_inactive_user_is_refused_with_any_token(stranger: Person, backend: Backend) -> None:
    backend.put("/v1/admin/users/42", {"is_active": False})

    answer = stranger.post(URL, {"token": sign(claims(iat=int(time.time()) + 2))})

    assert refusal(answer) == (403, "auth.account_disabled")


def test_a_token_does_not_make_an_erased_user_anew(stranger: Person, backend: Backend) -> None:
    stranger.post(URL, {"token": sign(claims())})
    backend.delete("/v1/admin/users/42")

    old, new = (stranger.post(URL, {"token": sign(claims(iat=int(time.time()) + n))}) for n in (-1, 2))

    assert [refusal(answer) for answer in (old, new)] == [(401, "auth.token_revoked"), (403, "auth.account_disabled")]
    backend.put("/v1/admin/users/42")
    assert refusal(stranger.post(URL, {"token": sign(claims())})) == (401, "auth.token_revoked")
    assert stranger.post(URL, {"token": sign(claims(iat=int(time.time()) + 2))}).status_code == 200


def test_without_a_key_there_is_nothing(stranger: Person, settings: Any) -> None:
    settings.JWT_SECRET = ""

    assert refusal(stranger.post(URL, {"token": sign(claims())})) == (404, "not_found")


def test_the_exchanges_of_an_account_are_limited(stranger: Person, settings: Any) -> None:
    settings.RATE_LIMITS = True
    exchange.LIMIT.charge("42", 2 * rates.EXCHANGE.limit)

    answers = [stranger.post(URL, {"token": sign(claims(who))}) for who in ("42", "43")]

    exchange.LIMIT.reset()
    assert refusal(answers[0]) == (429, "limit.exchange")
    assert answers[1].status_code == 200


def test_the_oldest_of_too_many_sessions_ends(stranger: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.services.MAX_SESSIONS", 2)
    phones = [person_of(stranger.post(URL, {"token": sign(claims())})) for _ in range(3)]

    assert [phone.get("/v1/me").status_code for phone in phones] == [401, 200, 200]


def test_it_takes_few_queries(stranger: Person, django_assert_max_num_queries: Any) -> None:
    stranger.post(URL, {"token": sign(claims())})

    with django_assert_max_num_queries(8):
        stranger.post(URL, {"token": sign(claims())})


def test_an_old_session_of_the_token_is_purged_with_the_others(stranger: Person) -> None:
    from accounts.services import purge_sessions

    stranger.post(URL, {"token": sign(claims())})
    Session.objects.update(expires_at=timezone.now() - timedelta(days=2))

    assert purge_sessions() == 1
