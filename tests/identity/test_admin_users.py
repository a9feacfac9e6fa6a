"""GET, PUT and DELETE /v1/admin/users/{external_id}"""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditRecord, ExternalIdentity, KeyScope, Session, User
from tests.api.stories import inbox_of
from tests.clients import Person, codes
from tests.identity.backends import Backend

URL = "/v1/admin/users/42"


def test_it_works(backend: Backend) -> None:
    made = backend.put(URL, {"display_name": "Ada", "metadata": {"plan": "pro"}})
    changed = backend.put(URL, {"username": "ada", "avatar_url": "https://cdn.example.com/a.png"})

    assert (made.status_code, changed.status_code) == (201, 200)
    assert backend.get(URL).json() == changed.json()
    assert changed.json() == made.json() | {"username": "ada", "avatar_url": "https://cdn.example.com/a.png"}
    assert set(made.json()) == {
        *("id", "username", "display_name", "avatar_url", "kind", "metadata", "created_at", "external_id", "is_active")
    }
    assert (made.json()["external_id"], made.json()["is_active"]) == ("42", True)


def test_the_body_may_be_empty(backend: Backend) -> None:
    answer = backend.put(URL)

    assert answer.status_code == 201
    assert answer.json()["display_name"] == answer.json()["username"]
    assert answer.json()["username"].startswith("u-")
    assert len(answer.json()["username"]) == 14


def test_the_devices_of_the_user_follow_a_change(backend: Backend) -> None:
    backend.put(URL, {"display_name": "Ada"})
    ada = backend.open_session("42")

    for _ in range(2):
        backend.put(URL, {"display_name": "Ada Lovelace", "username": "ada"})

    me = ada.get("/v1/me").json()
    [event] = inbox_of(ada)
    assert (event["type"], event["actor_id"]) == ("me.updated", None)
    assert event["data"] == {name: value for name, value in me.items() if not name.startswith("unread_")}


def test_a_repeated_put_changes_nothing(backend: Backend) -> None:
    first = backend.put(URL, {"username": "ada", "is_active": True}).json()

    again = backend.put(URL, {"username": "ada", "is_active": True})

    assert (again.status_code, again.json()) == (200, first)
    assert list(AuditRecord.objects.filter(target_type="user").values_list("action", flat=True)) == ["user.created"]


@pytest.mark.parametrize("external_id", ["a", "x" * 255, "auth0|7", "a%2Fb%20%3F%23", "ada@example.com", "%2E%2E"])
def test_an_external_id_is_any_printable_ascii(backend: Backend, external_id: str) -> None:
    answer = backend.put(f"/v1/admin/users/{external_id}")

    assert answer.status_code == 201
    assert backend.get(f"/v1/admin/users/{external_id}").json() == answer.json()


@pytest.mark.parametrize("external_id", ["x" * 256, "%C3%A9", "a%0Ab", "a%00", "%7F"])
def test_other_external_ids_are_refused(backend: Backend, external_id: str) -> None:
    answer = backend.put(f"/v1/admin/users/{external_id}")

    assert answer.status_code == 400
    assert not User.objects.filter(external__isnull=False).exists()


def test_external_ids_are_compared_exactly(backend: Backend) -> None:
    lower, upper = backend.put("/v1/admin/users/ada").json(), backend.put("/v1/admin/users/Ada").json()

    assert lower["id"] != upper["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "a b"}, "username"),
        ({"username": "admin"}, "username"),
        ({"display_name": "\u200b"}, "display_name"),
        ({"avatar_url": "javascript:alert(1)"}, "avatar_url"),
        ({"is_active": "no"}, "is_active"),
        ({"password": "x"}, "password"),
    ],
)
def test_the_rules_of_a_profile_hold(backend: Backend, body: dict[str, Any], field: str) -> None:
    answer = backend.put(URL, body)

    assert (answer.status_code, list(codes(answer))) == (400, [field])
    assert backend.get(URL).status_code == 404


def test_a_username_that_is_taken_is_refused(backend: Backend, bob: Person) -> None:
    new, backend_users = backend.put(URL, {"username": "bob"}), User.objects.count()
    backend.put("/v1/admin/users/43", {"username": "ada"})
    renamed = backend.put("/v1/admin/users/43", {"username": "bob"})

    assert [answer.status_code for answer in (new, renamed)] == [409, 409]
    assert new.json()["code"] == "auth.username_taken"
    assert User.objects.count() == backend_users + 1


def test_an_inactive_user_has_no_sessions(backend: Backend) -> None:
    backend.put(URL)
    phone = backend.open_session("42")

    answer = backend.put(URL, {"is_active": False})

    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert phone.get("/v1/me").status_code == 401
    refused = backend.post(f"{URL}/sessions")
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.account_disabled")
    assert backend.put(URL, {"is_active": True}).json()["is_active"] is True
    assert backend.open_session("42").get("/v1/me").status_code == 200


def test_a_user_can_be_made_inactive(backend: Backend) -> None:
    answer = backend.put(URL, {"is_active": False})

    assert (answer.status_code, answer.json()["is_active"]) == (201, False)
    assert backend.get(URL).json()["is_active"] is False


def test_an_erased_user_is_a_tombstone(backend: Backend) -> None:
    user_id = backend.put(URL, {"username": "ada"}).json()["id"]
    phone = backend.open_session("42")

    answers = [backend.delete(URL), backend.delete(URL)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert backend.get(URL).status_code == 404
    assert phone.get("/v1/me").status_code == 401
    assert User.objects.get(pk=user_id).deleted_at is not None
    assert not ExternalIdentity.objects.filter(external_id="42").exists()
    assert AuditRecord.objects.filter(action="user.erased", actor=str(backend.key.pk)).count() == 1


def test_put_makes_an_erased_user_anew(backend: Backend) -> None:
    before = backend.put(URL).json()
    backend.delete(URL)

    answer = backend.put(URL)

    assert answer.status_code == 201
    assert answer.json()["id"] != before["id"]
    assert [backend.delete(URL).status_code, backend.delete(URL).status_code] == [204, 204]


def test_an_unknown_user_is_not_found(backend: Backend) -> None:
    answers = [
        backend.get(URL),
        backend.delete(URL),
        backend.post(f"{URL}/sessions"),
        backend.delete(f"{URL}/sessions"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_only_a_key_of_scope_admin_may(alice: Person, stranger: Person) -> None:
    bot = Backend(KeyScope.BOT, username="weather")
    calls = [
        ("GET", URL),
        ("PUT", URL),
        ("DELETE", URL),
        ("POST", f"{URL}/sessions"),
        ("DELETE", f"{URL}/sessions"),
        ("DELETE", f"/v1/admin/keys/{bot.key.pk}"),
    ]
    for method, path in calls:
        answers = [each.request(method, path) for each in (stranger, alice, bot)]

        assert [answer.status_code for answer in answers] == [401, 403, 403]
        assert [answer.json()["code"] for answer in answers] == ["auth.required", "forbidden", "forbidden"]
    assert not ExternalIdentity.objects.exists()


def test_a_call_takes_few_queries(backend: Backend, django_assert_num_queries: Any) -> None:
    backend.put(URL)

    with django_assert_num_queries(2):
        backend.get(URL)


def test_sessions_of_the_backend_are_no_secret(backend: Backend) -> None:
    backend.put(URL)

    backend.open_session("42", device={"name": "Ada's phone"}, expires_in=60)

    session = Session.objects.get(key=None, user__external__external_id="42")
    assert session.expires_at == session.ends_at
    assert 50 < (session.expires_at - session.created_at).total_seconds() <= 61
