"""Server keys: the commands that make and revoke them, and the calls that accept them."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import administration, external, keys, services
from accounts.models import AuditRecord, KeyScope, ServerKey, Session, User, UserKind
from tests.clients import Person
from tests.identity.backends import Backend
from wire import limits, rates
from wire.operations import Cost
from wire.problems import Problem


def run(command: str, *args: str) -> str:
    out = io.StringIO()
    call_command(command, *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_prints_the_key_once_and_stores_its_hash() -> None:
    printed = run("create_key", "The shop", "--scope", "admin", "--reason", "the first one").strip()

    assert re.fullmatch("prk_[A-Za-z0-9_-]{43}", printed)
    key = ServerKey.objects.get(name="The shop")
    assert printed not in str(vars(key))
    assert (key.scope, key.expires_at) == (KeyScope.ADMIN, None)
    record = AuditRecord.objects.get(action="key.created")
    assert (record.actor, record.target_id, record.reason) == ("command", str(key.pk), "the first one")
    assert run("list_keys").split()[:2] == [str(key.pk), "admin"]
    assert Person(printed).get("/v1/admin/users/42").status_code == 404


@pytest.mark.parametrize(
    "args",
    [
        ("", "--scope", "admin"),
        ("A key", "--scope", "owner"),
        ("A key",),
        ("A key", "--scope", "admin", "--expires", "tomorrow"),
        ("A key", "--scope", "admin", "--expires", "2020-01-01"),
        ("A key", "--scope", "admin", "--expires", "2999-01-01T00:00:00"),
        ("A key", "--scope", "admin", "--username", "weather"),
        ("A key", "--scope", "bot", "--username", "alice"),
        ("A key", "--scope", "bot", "--username", "admin"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(alice: Person, args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("create_key", *args)

    assert not ServerKey.objects.exists()


@pytest.mark.parametrize("expires", ["2999-01-01", "2999-01-01T00:00:00Z", "90d"])
def test_a_key_can_expire(db: None, expires: str) -> None:
    token = run("create_key", "The shop", "--scope", "admin", "--expires", expires).strip()
    assert Person(token).get("/v1/admin/users/42").status_code == 404

    ServerKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = Person(token).get("/v1/admin/users/42")
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.invalid_token")


def test_two_keys_of_one_name_are_revoked_by_id(backend: Backend) -> None:
    second = Backend(name=backend.key.name)

    with pytest.raises(CommandError, match="id"):
        run("revoke_key", backend.key.name)
    run("revoke_key", str(backend.key.pk))

    answers = [each.get("/v1/admin/users/42") for each in (backend, second)]
    assert [answer.status_code for answer in answers] == [401, 404]


def test_there_are_a_hundred_keys_at_most(backend: Backend) -> None:
    others = (ServerKey(name=f"{n}", scope="admin", token_hash=bytes([n])) for n in range(keys.MAX_KEYS - 1))
    ServerKey.objects.bulk_create(others)

    with pytest.raises(CommandError, match="100"):
        run("create_key", "One more", "--scope", "admin")


def test_a_revoked_key_is_refused_at_once(backend: Backend, alice: Person) -> None:
    acting = backend.acting_as(alice.user.pk)
    assert acting.get("/v1/me").status_code == 200

    run("revoke_key", backend.key.name, "--reason", "leaked")

    answers = [backend.put("/v1/admin/users/42"), acting.get("/v1/me")]
    assert [answer.json()["code"] for answer in answers] == ["auth.invalid_token"] * 2
    assert not Session.objects.filter(key__isnull=False).exists()
    assert AuditRecord.objects.get(action="key.revoked").reason == "leaked"
    assert alice.get("/v1/me").status_code == 200
    with pytest.raises(CommandError):
        run("revoke_key", backend.key.name)


def test_a_key_can_be_revoked_by_another(backend: Backend) -> None:
    other = Backend(name="The other")

    answers = [other.delete(f"/v1/admin/keys/{backend.key.pk}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert backend.get("/v1/admin/users/42").status_code == 401
    assert other.delete(f"/v1/admin/keys/{uuid4()}").status_code == 404
    assert AuditRecord.objects.get(action="key.revoked").actor == str(other.key.pk)


def test_a_key_can_revoke_itself(backend: Backend) -> None:
    assert backend.delete(f"/v1/admin/keys/{backend.key.pk}").status_code == 204
    assert backend.delete(f"/v1/admin/keys/{backend.key.pk}").status_code == 401


def test_the_command_revokes_a_key_by_id_any_number_of_times(backend: Backend) -> None:
    key_id = str(backend.key.pk)

    printed = [run("revoke_key", key_id) for _ in range(2)]

    assert printed == [f"The key {key_id} is revoked.\n", f"The key {key_id} is revoked already.\n"]
    assert AuditRecord.objects.filter(action="key.revoked").count() == 1


@pytest.mark.parametrize("named", ["The shop", "01a00000-0000-7000-8000-000000000000"])
def test_the_command_refuses_a_key_that_nobody_knows(backend: Backend, named: str) -> None:
    with pytest.raises(CommandError, match="There is no"):
        run("revoke_key", named)


def test_a_new_key_was_never_used(backend: Backend) -> None:
    bot = Backend(KeyScope.BOT)

    new = run("list_keys")
    backend.get("/v1/admin/users/42")
    bot.get("/v1/me")

    assert new.count("used never") == 2
    assert "used never" not in run("list_keys")


def test_a_key_that_was_revoked_meanwhile_writes_nothing(backend: Backend) -> None:
    keys.revoke_key(key_id=backend.key.pk)

    with pytest.raises(Problem, match=r"auth\.invalid_token"):
        external.put_user(key=backend.key, external_id="42", changes={})
    assert not User.objects.filter(external__external_id="42").exists()


def test_a_key_is_refused_in_a_browser(backend: Backend, alice: Person) -> None:
    bot = Backend(KeyScope.BOT)
    acting = backend.acting_as(alice.user.pk)
    calls = [(backend, "/v1/admin/users/42"), (bot, "/v1/me"), (acting, "/v1/me")]
    answers = [who.request("GET", path, headers={"Origin": "https://app.example.com"}) for who, path in calls]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "key.in_browser")] * 3


def test_a_use_is_recorded_once_a_minute(backend: Backend, django_assert_num_queries: Any) -> None:
    backend.get("/v1/admin/users/42")

    with django_assert_num_queries(2):
        backend.get("/v1/admin/users/42")
    assert ServerKey.objects.get().last_used_at is not None


def test_calls_of_a_key_are_limited(backend: Backend, settings: Any) -> None:
    settings.RATE_LIMITS = True
    limits.reset()
    limits._of_session[Cost.ADMIN].charge(backend.key.pk, 2 * rates.ADMIN.limit)

    answer = backend.get("/v1/admin/users/42")

    assert (answer.status_code, answer.json()["code"]) == (429, "limit.admin")
    limits.reset()


def test_a_bot_chats(db: None, alice: Person) -> None:
    bot = Backend(KeyScope.BOT, name="The weather", username="weather")
    room = alice.post("/v1/rooms", {"kind": "public", "name": "Tea"}).json()

    me = bot.get("/v1/me").json()
    joined = bot.post(f"/v1/rooms/{room['id']}/join")
    sent = bot.post(f"/v1/rooms/{room['id']}/messages", {"client_id": "1", "text": "Sun"})

    assert (me["username"], me["display_name"]) == ("weather", "The weather")
    assert User.objects.get(username="weather").kind == UserKind.BOT
    assert (joined.status_code, sent.status_code) == (200, 201)
    assert sent.json()["sender"]["username"] == "weather"
    assert not AuditRecord.objects.filter(on_behalf_of__isnull=False).exists()


def test_a_bot_can_have_two_keys(db: None) -> None:
    first = Backend(KeyScope.BOT, name="first", username="weather")
    second = Backend(KeyScope.BOT, name="second", username="weather")

    keys.revoke_key(key_id=first.key.pk)

    assert first.get("/v1/me").status_code == 401
    assert second.get("/v1/me").json()["username"] == "weather"


def test_a_bots_session_belongs_to_its_key(db: None) -> None:
    bot = Backend(KeyScope.BOT, username="weather")
    calls = [
        ("POST", "/v1/auth/logout", None),
        ("POST", "/v1/auth/logout-all", None),
        ("GET", "/v1/auth/sessions", None),
        ("DELETE", f"/v1/auth/sessions/{Session.objects.get().pk}", None),
        ("POST", "/v1/auth/password", {"old": "x", "new": "correct horse battery"}),
        ("DELETE", "/v1/me", {"password": "x"}),
        ("POST", "/v1/me/delete", {"password": "x"}),
        ("POST", "/v1/auth/verify-email/send", None),
    ]

    answers = [bot.request(*call) for call in calls]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * len(calls)
    assert bot.get("/v1/me").status_code == 200


def test_a_bot_that_was_deactivated_comes_back_with_its_key(db: None) -> None:
    bot = Backend(KeyScope.BOT, username="weather")
    user = User.objects.get(username="weather")

    administration.deactivate(user=user)
    refused = bot.get("/v1/me")
    administration.reactivate(user=user)

    assert refused.json()["code"] == "auth.account_disabled"
    assert bot.get("/v1/me").status_code == 200


def test_an_erased_bot_has_no_key(db: None) -> None:
    bot = Backend(KeyScope.BOT, username="weather")

    administration.erase(user=User.objects.get(username="weather"), actor="command")

    assert bot.get("/v1/me").status_code == 401
    assert not ServerKey.objects.exists()


def test_a_bot_key_does_not_expire_by_idleness(db: None) -> None:
    bot = Backend(KeyScope.BOT, username="weather")
    long_ago = timezone.now() - timedelta(days=400)
    Session.objects.update(created_at=long_ago, last_used_at=long_ago)

    assert bot.get("/v1/me").status_code == 200
    assert Session.objects.get().expires_at.year == 9999
    assert services.purge_sessions() == 0
