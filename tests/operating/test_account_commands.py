"""deactivate_user, reactivate_user, end_sessions and reset_password: the change, the audit, the repetition"""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError
from django.db import transaction
from django.utils import timezone

from accounts import administration, services
from accounts import audit as audit_module
from accounts.models import AuditRecord, Session, User
from tests.clients import PASSWORD, Person, join_parley
from tests.operating.commands import audit, audited, run


def test_a_record_has_the_documented_shape(alice: Person) -> None:
    run("deactivate_user", "alice", reason="left the company")

    [record] = audit()
    assert record.pop("id")
    assert record.pop("at").endswith("Z")
    assert record == {
        "actor": "command",
        "on_behalf_of": None,
        "action": "user.deactivated",
        "target": {"type": "user", "id": str(alice.user.id)},
        "room_id": None,
        "reason": "left the company",
    }


def test_a_user_is_named_by_username_or_id(alice: Person) -> None:
    assert run("deactivate_user", "ALICE") == "alice is deactivated.\n"
    assert run("reactivate_user", str(alice.user.id)) == "alice can log in again.\n"

    assert audited() == ["user.deactivated", "user.reactivated"]


@pytest.mark.parametrize("command", ["deactivate_user", "reactivate_user", "end_sessions", "reset_password"])
def test_an_unknown_user_is_an_error(db: None, command: str) -> None:
    for name in ("nobody", str(uuid4()), ""):
        with pytest.raises(CommandError, match="There is no user"):
            run(command, name)


def test_a_repeated_command_changes_and_records_nothing(alice: Person) -> None:
    run("deactivate_user", "alice")
    assert run("deactivate_user", "alice") == "alice was deactivated already.\n"
    run("reactivate_user", "alice")
    run("reactivate_user", "alice")
    run("end_sessions", "alice")

    assert run("end_sessions", "alice") == "0 sessions of alice ended.\n"

    assert audited() == ["user.deactivated", "user.reactivated"]


def test_end_sessions_ends_all_of_one_user(alice: Person, bob: Person) -> None:
    laptop = alice.another_device()

    assert run("end_sessions", "alice", reason="stolen phone") == "2 sessions of alice ended.\n"

    assert [person.get("/v1/me").status_code for person in (alice, laptop, bob)] == [401, 401, 200]
    assert services.log_in(username="alice", password=PASSWORD)
    assert [(record["action"], record["reason"]) for record in audit()] == [("user.sessions_ended", "stolen phone")]


def test_reset_password_prints_a_random_one_and_ends_the_sessions(alice: Person) -> None:
    line, password = run("reset_password", "alice").splitlines()

    assert line == "alice has another password; 1 sessions ended."
    assert alice.get("/v1/me").status_code == 401
    assert services.log_in(username="alice", password=password)
    assert Person().post("/v1/auth/login", {"username": "alice", "password": PASSWORD}).status_code == 401
    assert audited() == ["user.password_replaced"]
    assert password not in str(audit())


def test_reset_password_reads_one_from_stdin(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("a password of my own\nsecond line\n"))

    assert run("reset_password", "alice", stdin=True) == "alice has another password; 1 sessions ended.\n"

    assert services.log_in(username="alice", password="a password of my own")


def test_a_weak_password_changes_nothing(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("12345\n"))

    with pytest.raises(CommandError, match="password: "):
        run("reset_password", "alice", stdin=True)

    assert (alice.get("/v1/me").status_code, audit()) == (200, [])


def test_a_deleted_account_gets_no_password_and_does_not_come_back(alice: Person) -> None:
    alice.delete("/v1/me", {"password": PASSWORD})

    for command in ("reset_password", "reactivate_user"):
        with pytest.raises(CommandError, match="is a deleted account"):
            run(command, "alice")  # the name of before

    assert audit() == []


def test_a_reason_that_is_too_long_changes_nothing(alice: Person) -> None:
    with pytest.raises(CommandError, match="--reason"):
        run("end_sessions", "alice", reason="x" * 501)

    assert alice.get("/v1/me").status_code == 200


def test_a_change_that_fails_leaves_no_record(alice: Person) -> None:
    """The record is in the transaction of the change."""

    def end_and_fail() -> None:
        with transaction.atomic():
            administration.end_sessions(user=alice.user, actor="command")
            raise LookupError

    with pytest.raises(LookupError):
        end_and_fail()

    assert (AuditRecord.objects.count(), Session.objects.count()) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_record_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        audit_module.record("user.deactivated", actor="command", target=("user", "1"))

    assert not AuditRecord.objects.exists()


def test_a_service_names_the_person_who_acted(alice: Person, bob: Person) -> None:
    administration.deactivate(user=User.objects.get(pk=bob.user.pk), actor=str(alice.user.pk), reason="spam")

    assert [(record["actor"], record["target"]["id"]) for record in audit()] == [(str(alice.user.pk), str(bob.user.pk))]


def test_old_records_are_purged(alice: Person) -> None:
    run("end_sessions", "alice")
    join_parley("dora")
    run("deactivate_user", "dora")
    AuditRecord.objects.filter(action="user.sessions_ended").update(at=timezone.now() - timedelta(days=366))

    assert "1 audit records deleted." in run("purge")

    assert audited() == ["user.deactivated"]
