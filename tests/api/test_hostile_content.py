"""Hostile content: fields that only the server sets, markup, and what the log and the database keep."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from accounts import emails, mail
from accounts.models import EmailAddress, Mail
from tests.clients import PASSWORD, Person

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def room(alice: Person, bob: Person) -> str:
    body = {"kind": "private", "name": MARKUP, "topic": MARKUP, "members": [bob.user.id]}
    return str(alice.post("/v1/rooms", body).json()["id"])


def test_markup_is_returned_literally_and_never_as_a_page(alice: Person, bob: Person, room: str) -> None:
    alice.patch("/v1/me", {"display_name": MARKUP})
    alice.post(f"/v1/rooms/{room}/messages", {"client_id": "1", "text": MARKUP, "metadata": {"a": MARKUP}})

    for path in (f"rooms/{room}", f"rooms/{room}/messages", f"rooms/{room}/events", f"rooms/{room}/members", "rooms"):
        response = bob.request("GET", f"/v1/{path}", headers={"Accept": "*/*"})
        assert MARKUP in response.content.decode(), path
        assert response["Content-Type"] == "application/json"
        assert response["X-Content-Type-Options"] == "nosniff"
    assert bob.request("GET", f"/v1/rooms/{room}", headers={"Accept": "text/html"}).status_code == 406


def test_no_field_of_an_answer_can_be_written(alice: Person, room: str) -> None:
    body = {"client_id": "1", "text": "hi"}
    message = alice.post(f"/v1/rooms/{room}/messages", body).json()
    targets: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("PATCH", "/v1/me", alice.get("/v1/me").json(), {}),
        ("PATCH", f"/v1/rooms/{room}", alice.get(f"/v1/rooms/{room}").json(), {}),
        ("POST", f"/v1/rooms/{room}/messages", message, {"client_id": "2", "text": "hi"}),
        ("PATCH", f"/v1/rooms/{room}/messages/{message['id']}", message, {}),
    ]
    known = {"username", "display_name", "avatar_url", "metadata", "email", "name", "slug", "topic", "text"}
    known |= {"client_id", "reply_to", "retention_days", "posting", "slow_mode_seconds"}
    known |= {"settings", "mentions", "attachments", "thread_root", "in_room", "streaming"}

    for method, path, answer, sent in targets:
        fields = answer.keys() - known
        assert len(fields) > 3
        for field in fields:
            response = alice.request(method, path, {**sent, field: answer[field]})
            assert response.status_code == 400, (path, field)
            assert [error["code"] for error in response.json()["errors"]] == ["unknown"], (path, field)
    assert alice.get(f"/v1/rooms/{room}/messages/{message['id']}").json() == message


def test_the_log_has_no_token_and_no_text(alice: Person, room: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)  # DEBUG=1 alone logs statements

    alice.post(f"/v1/rooms/{room}/messages", {"client_id": "1", "text": "the canary\nERROR forged line"})
    alice.post(f"/v1/rooms/{room}/messages", {"client_id": "1", "text": "another canary"})
    alice.request("POST", f"/v1/rooms/{room}/messages", b'{"text": "canary')
    alice.post("/v1/auth/password", {"old": "canary", "new": "canary"})
    Person("prl_canary").get("/v1/me")

    assert "canary" not in caplog.text
    assert alice.token not in caplog.text
    assert PASSWORD not in caplog.text


def test_no_link_is_stored(alice: Person, settings: Any) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "127.0.0.1", "https://chat.example.com"
    emails.of_mailbox.reset()
    alice.patch("/v1/me", {"email": "alice@example.com", "password": PASSWORD})
    alice.post("/v1/auth/password-reset", {"email": "alice@example.com"})
    token = emails.verification_token(EmailAddress.objects.get())
    signature = token.rpartition(".")[2]

    rows = str(list(Mail.objects.values())) + str(list(EmailAddress.objects.values()))
    mail.send_due()  # into the memory of the tests

    assert "alice@example.com" in rows
    assert signature not in rows
    assert not Mail.objects.exists()
