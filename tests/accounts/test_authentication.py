"""Authentication by token: its result, the life of a session, and its queries."""

from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts import services
from accounts.authentication import find_session, find_sessions
from accounts.models import Session
from tests.clients import Person
from wire.problems import Problem

DAY = timedelta(days=1)


def age(person: Person, created: timedelta, used: timedelta) -> None:
    """Change the times of the session to that long ago."""
    now = timezone.now()
    session = Session.objects.get(pk=person.session.pk)
    session.created_at = now - created
    session.slide(now - used)
    session.save()


def test_it_works_in_one_query(alice: Person, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        session = find_session(alice.token)
        assert session.user.username == "alice"

    assert session == alice.session


def test_many_sessions_are_found_in_one_query(
    alice: Person, bob: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Session.objects.filter(pk=bob.session.pk).update(expires_at=timezone.now())

    with django_assert_num_queries(1):
        found = find_sessions([alice.token, "nobody's", bob.token, alice.token])

    assert [getattr(each, "code", each) for each in found] == [
        alice.session, "auth.invalid_token", "auth.invalid_token", alice.session
    ]  # fmt: skip


def test_finding_many_sessions_writes_nothing(alice: Person, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """A row that cannot be written would fail all the other tokens too."""
    age(alice, created=DAY, used=timedelta(hours=1))

    with django_assert_num_queries(1):
        [found] = find_sessions([alice.token])

    assert found == alice.session
    assert timezone.now() - Session.objects.get().last_used_at >= timedelta(hours=1)


@pytest.mark.parametrize("token", ["", "prl_", "prl_" + "A" * 43, "x" * 100_000, "\ud800", "\0"])
def test_an_unknown_token_is_rejected(alice: Person, token: str) -> None:
    with pytest.raises(Problem, match=r"auth\.invalid_token"):
        find_session(token)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer nonsense", "Token {token}", "{token}", "Basic YTpi"])
def test_a_malformed_authorization_header_is_rejected_with_a_challenge(
    alice: Person, stranger: Person, header: str
) -> None:
    response = stranger.request("GET", "/v1/me", headers={"Authorization": header.format(token=alice.token)})

    assert (response.status_code, response.json()["code"]) == (401, "auth.invalid_token")
    assert response["WWW-Authenticate"] == "Bearer"


def test_the_scheme_is_read_in_any_case(alice: Person, stranger: Person) -> None:
    response = stranger.request("GET", "/v1/me", headers={"Authorization": f"bearer {alice.token}"})

    assert response.status_code == 200


def test_an_idle_session_expires(alice: Person) -> None:
    age(alice, created=40 * DAY, used=30 * DAY)

    assert alice.get("/v1/me").json()["code"] == "auth.invalid_token"


def test_a_use_postpones_the_expiry(alice: Person) -> None:
    age(alice, created=40 * DAY, used=29 * DAY)

    assert alice.get("/v1/me").status_code == 200

    session = Session.objects.get()
    assert timezone.now() - session.last_used_at < timedelta(minutes=1)
    assert session.expires_at - session.last_used_at == 30 * DAY


def test_a_session_expires_after_a_year_in_use(alice: Person) -> None:
    age(alice, created=364 * DAY, used=DAY)

    assert alice.get("/v1/me").status_code == 200

    session = Session.objects.get()
    assert session.expires_at == session.created_at + 365 * DAY


def test_a_use_is_recorded_once_a_minute(alice: Person, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    age(alice, created=DAY, used=timedelta(seconds=61))

    with django_assert_num_queries(2):
        find_session(alice.token)
    with django_assert_num_queries(1):
        find_session(alice.token)


def test_the_life_of_a_session_is_a_setting(alice: Person, settings: Settings) -> None:
    settings.SESSION_IDLE_SECONDS = 60
    settings.SESSION_MAX_SECONDS = 90

    age(alice, created=timedelta(seconds=80), used=timedelta(seconds=50))

    assert alice.get("/v1/me").status_code == 200
    assert Session.objects.get().expires_at - timezone.now() < timedelta(seconds=11)


def test_a_write_checks_the_session_again(alice: Person) -> None:
    services.require_live(alice.session)

    services.log_out(session=alice.session)

    with pytest.raises(Problem, match=r"auth\.invalid_token"):
        services.require_live(alice.session)
    with pytest.raises(Problem, match=r"auth\.invalid_token"):
        services.update_profile(session=alice.session, changes={"display_name": "Ghost"})


def test_deactivating_an_account_ends_its_sessions(
    alice: Person, ended: list[UUID], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        call_command("deactivate_user", "Alice", stdout=StringIO())

    assert ended == [alice.session.id]
    assert alice.get("/v1/me").status_code == 401
    assert alice.user.username == "alice"


def test_a_session_of_an_inactive_user_gets_account_disabled(alice: Person) -> None:
    alice.user.is_active = False
    alice.user.save(update_fields=["is_active"])

    response = alice.get("/v1/me")

    assert (response.status_code, response.json()["code"]) == (403, "auth.account_disabled")
    with pytest.raises(Problem, match=r"auth\.account_disabled"):
        services.require_live(alice.session)


def test_deactivating_an_unknown_user_is_an_error(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("deactivate_user", "nobody")
