"""E-mail addresses: PATCH /v1/me, POST /v1/auth/register, /v1/auth/verify-email and /v1/auth/verify-email/send"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import emails, mail
from accounts.models import EmailAddress, Mail, Session, User
from tests.api.stories import inbox_of
from tests.clients import PASSWORD, Person, codes, join_parley
from tests.mailbox import Mailbox

ME = "/v1/me"
VERIFY = "/v1/auth/verify-email"
SEND = "/v1/auth/verify-email/send"
ADDRESS = "Alice@Example.com"


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    emails.of_mailbox.reset()


def set_email(person: Person, address: str | None) -> Any:
    return person.patch(ME, {"email": address, "password": PASSWORD})


def give_verified(person: Person, mailbox: Mailbox, address: str = ADDRESS) -> None:
    """Give the person a verified address."""
    assert set_email(person, address).status_code == 200
    mail.send_due()
    assert person.post(VERIFY, {"token": mailbox.token}).status_code == 204


def test_it_works(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    changed = set_email(alice, ADDRESS)
    mail.send_due()
    response = stranger.post(VERIFY, {"token": mailbox.token})

    assert (changed.json()["email"], changed.json()["email_verified"]) == (ADDRESS, False)
    assert response.status_code == 204
    assert (alice.get(ME).json()["email"], alice.get(ME).json()["email_verified"]) == (ADDRESS, True)
    assert [event["data"]["email_verified"] for event in inbox_of(alice)] == [False, True]
    [message] = mailbox.received
    assert (message["To"], message["From"]) == (ADDRESS, "Parley <no-reply@example.com>")
    assert mailbox.links[0].startswith("https://chat.example.com/verify-email#token=")
    assert not Mail.objects.exists()


def test_a_registration_may_have_an_address(stranger: Person, mailbox: Mailbox) -> None:
    body = {"username": "dora", "password": PASSWORD, "email": "dora@example.com"}

    response = stranger.post("/v1/auth/register", body)

    mail.send_due()
    assert response.status_code == 201
    assert "email" not in response.json()["user"]
    assert Person(response.json()["token"]).get(ME).json()["email"] == "dora@example.com"
    assert [message["To"] for message in mailbox.received] == ["dora@example.com"]


def test_nobody_else_sees_an_address(alice: Person, bob: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)
    room = bob.post("/v1/rooms", {"kind": "private", "name": "Tea", "members": [alice.user.id]}).json()["id"]
    alice.post(f"/v1/rooms/{room}/messages", {"client_id": "1", "text": "hi"})

    paths = [f"users/{alice.user.id}", "users?q=alice", f"rooms/{room}", f"rooms/{room}/members", "rooms", "me"]
    paths += [f"rooms/{room}/messages", f"rooms/{room}/events", "me/events"]

    assert not [path for path in paths if b"xample.com" in bob.get(f"/v1/{path}").content]
    assert b"xample.com" not in bob.post("/v1/sync", {}).content


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_address_can_be_removed(alice: Person, mailbox: Mailbox, nothing: str | None) -> None:
    give_verified(alice, mailbox)

    response = set_email(alice, nothing)

    mail.send_due()
    assert (response.json()["email"], response.json()["email_verified"]) == (None, False)
    assert mailbox.received[-1]["To"] == ADDRESS
    assert "was removed" in mailbox.received[-1].get_content()


def test_the_former_address_is_notified_of_a_change(alice: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)

    response = set_email(alice, "new@example.com")

    mail.send_due()
    assert response.json()["email_verified"] is False
    assert {message["To"] for message in mailbox.received[1:]} == {ADDRESS, "new@example.com"}


def test_the_same_address_again_changes_nothing(alice: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)

    response = alice.patch(ME, {"email": ADDRESS, "display_name": "Al"})

    assert (response.status_code, response.json()["email_verified"]) == (200, True)
    assert not Mail.objects.exists()


def test_a_stolen_session_cannot_change_the_address(alice: Person, mailbox: Mailbox) -> None:
    missing = alice.patch(ME, {"email": ADDRESS})
    wrong = alice.patch(ME, {"email": ADDRESS, "password": "wrong horse"})

    assert (missing.status_code, codes(missing)) == (400, {"password": "required"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "auth.wrong_password")
    assert not EmailAddress.objects.exists()
    assert not Mail.objects.exists()


def test_a_token_works_once(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)
    first = mailbox.token

    again = stranger.post(VERIFY, {"token": first})
    set_email(alice, "other@example.com")
    set_email(alice, ADDRESS)

    assert (again.status_code, again.json()["code"]) == (400, "email.invalid_token")
    assert stranger.post(VERIFY, {"token": first}).status_code == 400
    assert alice.get(ME).json()["email_verified"] is False


@pytest.mark.parametrize("token", ["x", "a.b.c", "", "\u00e9" * 100])
def test_a_forged_token_is_rejected(alice: Person, stranger: Person, mailbox: Mailbox, token: str) -> None:
    set_email(alice, ADDRESS)

    assert stranger.post(VERIFY, {"token": token}).status_code == 400
    assert alice.get(ME).json()["email_verified"] is False


def test_a_token_expires(alice: Person, stranger: Person, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    set_email(alice, ADDRESS)
    mail.send_due()
    monkeypatch.setattr(emails, "VERIFY_SECONDS", -1)

    assert stranger.post(VERIFY, {"token": mailbox.token}).json()["code"] == "email.invalid_token"


def test_a_token_of_the_former_secret_key_works(
    alice: Person, stranger: Person, mailbox: Mailbox, settings: Any
) -> None:
    set_email(alice, ADDRESS)
    mail.send_due()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-" * 4

    assert stranger.post(VERIFY, {"token": mailbox.token}).status_code == 204


def test_an_address_is_verified_by_one_account_only(alice: Person, bob: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)

    claimed = set_email(bob, ADDRESS.lower())
    mail.send_due()
    refused = bob.post(VERIFY, {"token": mailbox.token})

    assert claimed.status_code == 200  # it does not tell that somebody has the address
    assert (refused.status_code, refused.json()["code"]) == (409, "email.taken")
    assert bob.get(ME).json()["email_verified"] is False


def test_the_link_is_sent_again(alice: Person, mailbox: Mailbox) -> None:
    missing = alice.post(SEND)
    set_email(alice, ADDRESS)

    again = alice.post(SEND)

    mail.send_due()
    assert (missing.status_code, missing.json()["code"]) == (409, "email.missing")
    assert again.status_code == 204
    assert len(mailbox.received) == 2
    assert alice.post(VERIFY, {"token": mailbox.token}).status_code == 204
    assert alice.post(SEND).status_code == 204
    assert not Mail.objects.exists()


def test_a_stranger_is_sent_nothing(stranger: Person, mailbox: Mailbox) -> None:
    assert stranger.post(SEND).json()["code"] == "auth.required"


def test_nobody_can_fill_a_mailbox(alice: Person, mailbox: Mailbox, settings: Any) -> None:
    settings.RATE_LIMITS = True
    set_email(alice, ADDRESS)

    statuses = [alice.post(SEND).status_code for _ in range(5)]

    assert statuses == [204] * 4 + [429]
    assert alice.post(SEND).json()["code"] == "limit.email"
    assert join_parley("dora").patch(ME, {"email": ADDRESS.upper(), "password": PASSWORD}).status_code == 429


def test_a_server_without_mail_accepts_no_address(alice: Person, stranger: Person) -> None:
    body = {"username": "dora", "password": PASSWORD, "email": "dora@example.com"}

    refused = [set_email(alice, ADDRESS), alice.post(SEND), stranger.post("/v1/auth/register", body)]

    assert [(each.status_code, each.json()["code"]) for each in refused] == [(409, "email.not_configured")] * 3
    assert set_email(alice, None).status_code == 200
    assert User.objects.count() == 1


def test_a_deleted_account_leaves_no_address(alice: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)
    alice.post("/v1/auth/password-reset", {"email": ADDRESS})
    set_email(alice, "new@example.com")

    assert alice.delete(ME, {"password": PASSWORD}).status_code == 204

    assert not EmailAddress.objects.exists()
    assert not Mail.objects.exclude(kind="reset_password").exists()
    mail.send_due()
    assert len(mailbox.received) == 1


def test_mail_survives_a_dead_server(alice: Person, mailbox: Mailbox) -> None:
    mailbox.stop()
    set_email(alice, ADDRESS)

    mail.send_due()

    waiting = Mail.objects.get()
    assert (waiting.failures, mailbox.received) == (1, [])
    assert waiting.due_at > timezone.now()
    mailbox.start()
    Mail.objects.update(due_at=timezone.now())
    mail.send_due()
    assert alice.post(VERIFY, {"token": mailbox.token}).status_code == 204


def test_the_retries_are_bounded(alice: Person, mailbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    mailbox.answer = "451 Try again later"
    set_email(alice, ADDRESS)
    for _ in range(10):
        Mail.objects.update(due_at=timezone.now())
        mail.send_due()

    pause = Mail.objects.get().due_at - timezone.now()
    Mail.objects.update(due_at=timezone.now(), created_at=timezone.now() - mail.GIVE_UP_AFTER - timedelta(seconds=1))
    mail.send_due()

    assert timedelta() < pause <= mail.LONGEST_RETRY
    assert not Mail.objects.exists()
    lines = [record.getMessage() for record in caplog.records if record.name == "accounts.mail"]
    assert "is dropped" in lines[-1]
    assert "xample.com" not in str(lines)


def test_a_mailbox_that_is_refused_for_good_is_not_tried_again(alice: Person, mailbox: Mailbox) -> None:
    mailbox.answer = "550 No such user"
    set_email(alice, ADDRESS)

    mail.send_due()

    assert not Mail.objects.exists()


def test_a_killed_process_loses_no_mail(alice: Person, mailbox: Mailbox) -> None:
    set_email(alice, ADDRESS)
    claimed = mail._claim()

    mail.send_due()

    assert claimed is not None
    assert mailbox.received == []
    Mail.objects.update(due_at=timezone.now())  # the lease has expired
    mail.send_due()
    assert len(mailbox.received) == 1


def test_an_ended_session_cannot_change_the_address(alice: Person, mailbox: Mailbox) -> None:
    Session.objects.all().delete()

    assert set_email(alice, ADDRESS).status_code == 401
    assert not EmailAddress.objects.exists()
