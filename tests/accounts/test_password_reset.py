"""POST /v1/auth/password-reset and /v1/auth/password-reset/confirm"""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import administration, emails, mail, resets
from accounts.models import Mail, Session
from tests.accounts.test_email import ADDRESS, give_verified, set_email
from tests.clients import PASSWORD, Person, codes
from tests.mailbox import Mailbox

URL = "/v1/auth/password-reset"
CONFIRM = f"{URL}/confirm"
NEW = "a new and better phrase"


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    emails.of_mailbox.reset()
    resets.of_address.reset()


def request_link(person: Person, mailbox: Mailbox, address: str = ADDRESS) -> str:
    """Ask for a link, and return its token."""
    assert person.post(URL, {"email": address}).status_code == 204
    mail.send_due()
    assert "/reset-password#" in mailbox.links[-1]
    return mailbox.token


def test_it_works(
    alice: Person,
    stranger: Person,
    mailbox: Mailbox,
    ended: list[UUID],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    give_verified(alice, mailbox)
    phone = alice.another_device()
    token = request_link(stranger, mailbox)

    with django_capture_on_commit_callbacks(execute=True):
        response = stranger.post(CONFIRM, {"token": token, "password": NEW})

    assert response.status_code == 204
    assert set(ended) == {alice.session.id, phone.session.id}
    assert not Session.objects.exists()
    assert stranger.post("/v1/auth/login", {"username": "alice", "password": PASSWORD}).status_code == 401
    assert stranger.post("/v1/auth/login", {"username": "alice", "password": NEW}).status_code == 200


def test_the_mail_goes_to_the_stored_address_by_the_public_url(alice: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)

    Person().request("POST", URL, {"email": ADDRESS.upper()}, headers={"Host": "evil.example"})

    mail.send_due()
    message = mailbox.received[-1]
    assert message["To"] == ADDRESS
    assert mailbox.links[-1].startswith("https://chat.example.com/reset-password#token=")
    assert "evil" not in message.as_string()
    assert "alice" in message.get_content()


@pytest.mark.parametrize("address", ["nobody@example.com", "unverified@example.com"])
def test_the_answer_does_not_tell_whether_an_account_has_the_address(
    alice: Person, bob: Person, stranger: Person, mailbox: Mailbox, address: str
) -> None:
    """The same bytes and the same statements, so the same work."""
    give_verified(alice, mailbox)
    set_email(bob, "unverified@example.com")
    mail.send_due()
    before = len(mailbox.received)

    with CaptureQueriesContext(connection) as known:
        there = stranger.post(URL, {"email": ADDRESS})
    with CaptureQueriesContext(connection) as unknown:
        absent = stranger.post(URL, {"email": address})

    assert (there.status_code, there.content) == (absent.status_code, absent.content) == (204, b"")
    assert [query["sql"].split("VALUES")[0] for query in known] == [
        query["sql"].split("VALUES")[0] for query in unknown
    ]
    mail.send_due()
    assert [message["To"] for message in mailbox.received[before:]] == [ADDRESS]
    assert not Mail.objects.exists()


def test_a_look_alike_address_gets_no_link(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    """NFKC would make the full-width letter equal to m."""
    give_verified(alice, mailbox)

    stranger.post(URL, {"email": "alice@example.co\uff4d"})

    mail.send_due()
    assert len(mailbox.received) == 1


def test_an_unverified_address_gets_no_link(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    set_email(alice, ADDRESS)
    mail.send_due()

    stranger.post(URL, {"email": ADDRESS})

    mail.send_due()
    assert len(mailbox.received) == 1


def test_a_link_works_once(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)
    token, other = request_link(stranger, mailbox), request_link(stranger, mailbox)
    stranger.post(CONFIRM, {"token": token, "password": NEW})

    again = [stranger.post(CONFIRM, {"token": each, "password": "yet another phrase"}) for each in (token, other)]

    assert [(each.status_code, each.json()["code"]) for each in again] == [(400, "email.invalid_token")] * 2
    assert stranger.post("/v1/auth/login", {"username": "alice", "password": NEW}).status_code == 200


def test_a_changed_password_ends_the_link(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)
    token = request_link(stranger, mailbox)

    alice.post("/v1/auth/password", {"old": PASSWORD, "new": "my own new phrase"})

    assert stranger.post(CONFIRM, {"token": token, "password": NEW}).status_code == 400


def test_a_weak_password_is_rejected_and_the_link_still_works(
    alice: Person, stranger: Person, mailbox: Mailbox
) -> None:
    give_verified(alice, mailbox)
    token = request_link(stranger, mailbox)

    weak = stranger.post(CONFIRM, {"token": token, "password": "alice12"})

    assert weak.status_code == 400
    assert "password" in codes(weak)
    assert stranger.post(CONFIRM, {"token": token, "password": NEW}).status_code == 204


def test_a_link_of_verification_resets_nothing(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    set_email(alice, ADDRESS)
    mail.send_due()

    response = stranger.post(CONFIRM, {"token": mailbox.token, "password": NEW})

    assert response.json()["code"] == "email.invalid_token"


def test_an_expired_link_is_rejected(
    alice: Person, stranger: Person, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_verified(alice, mailbox)
    token = request_link(stranger, mailbox)
    monkeypatch.setattr(resets, "RESET_SECONDS", -1)

    assert stranger.post(CONFIRM, {"token": token, "password": NEW}).json()["code"] == "email.invalid_token"


def test_a_deactivated_account_is_not_reset(alice: Person, stranger: Person, mailbox: Mailbox) -> None:
    give_verified(alice, mailbox)
    token = request_link(stranger, mailbox)
    administration.deactivate(user=alice.user)
    before = len(mailbox.received)

    stranger.post(URL, {"email": ADDRESS})
    mail.send_due()

    assert len(mailbox.received) == before
    assert stranger.post(CONFIRM, {"token": token, "password": NEW}).json()["code"] == "email.invalid_token"


def test_resets_of_one_address_are_limited(stranger: Person, mailbox: Mailbox, settings: Any) -> None:
    settings.RATE_LIMITS = True

    same = [stranger.post(URL, {"email": "nobody@example.com"}).status_code for _ in range(6)]
    others = [stranger.post(URL, {"email": f"{number}@example.com"}) for number in range(20)]

    assert same == [204] * 5 + [429]
    assert others[-1].json()["code"] == "limit.password_reset"


def test_the_waiting_mail_is_bounded(stranger: Person, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emails, "MAX_WAITING", 1)
    stranger.post(URL, {"email": "a@example.com"})

    response = stranger.post(URL, {"email": "b@example.com"})

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert Mail.objects.count() == 1


def test_a_server_without_mail_resets_nothing(stranger: Person) -> None:
    response = stranger.post(URL, {"email": ADDRESS})

    assert (response.status_code, response.json()["code"]) == (409, "email.not_configured")
