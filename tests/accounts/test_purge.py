"""manage.py purge"""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.utils import timezone

from accounts.models import Session
from accounts.services import PURGE_BATCH, purge_sessions
from tests.clients import Person


def expire(person: Person, **ago: int) -> None:
    Session.objects.filter(pk=person.session.pk).update(expires_at=timezone.now() - timedelta(**ago))


def purge() -> str:
    output = StringIO()
    call_command("purge", stdout=output)
    return output.getvalue()


def test_purge_deletes_sessions_that_expired_more_than_a_day_ago(alice: Person, bob: Person, charlie: Person) -> None:
    expire(alice, hours=25)
    expire(bob, hours=23)

    assert purge() == "1 expired sessions deleted.\n"

    assert set(Session.objects.all()) == {bob.session, charlie.session}


def test_purge_runs_until_no_batch_is_left(alice: Person) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    Session.objects.bulk_create(
        Session(
            user=alice.user,
            token_hash=n.to_bytes(32, "big"),
            created_at=long_ago,
            last_used_at=long_ago,
            expires_at=long_ago,
        )
        for n in range(2 * PURGE_BATCH + 1)
    )

    assert purge_sessions() == PURGE_BATCH
    assert purge() == f"{PURGE_BATCH + 1} expired sessions deleted.\n"
    assert list(Session.objects.all()) == [alice.session]
