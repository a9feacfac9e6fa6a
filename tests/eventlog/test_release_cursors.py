"""A request that waited for SQLite's lock in vain leaves nothing of its connection to the garbage collector."""

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from eventlog import locking
from realtime.database import in_database
from tests.api.stories import make_room
from tests.clients import Person

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's connections have no lock of their own"),
]


@pytest.fixture
def garbage() -> Iterator[list[object]]:
    """The finds of the garbage collector, which keeps them instead of freeing them."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()


@contextmanager
def locked() -> Iterator[None]:
    """Hold SQLite's write lock on another connection."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def cursors_in(garbage: list[object]) -> list[type]:
    return [type(each) for each in garbage if isinstance(each, sqlite3.Cursor | CursorWrapper)]


# A join looks again and again, a leave waits once, a send is committed by a queue, and the end of a session that
# cannot be written may be kept in memory: not for a lock, since other processes would let the session in.
@pytest.mark.parametrize("call", ["rooms/{}/join", "rooms/{}/leave", "rooms/{}/messages", "auth/logout"])
def test_no_cursor_is_left(
    alice: Person, bob: Person, garbage: list[object], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    room = make_room(alice, members=[] if call.endswith("join") else [bob], kind="public")
    monkeypatch.setattr(locking, "GIVE_UP_SECONDS", 0.1)
    monkeypatch.setattr(locking, "RETRY_LOCK_MS", 1)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 1")
    gc.collect()
    garbage.clear()

    with locked():
        body = {"client_id": "one", "text": "Hi"} if call.endswith("messages") else None
        response = bob.post(f"/v1/{call.format(room['id'])}", body)

    connection.close()
    gc.collect()
    assert response.status_code == 503
    assert cursors_in(garbage) == []


async def test_no_cursor_of_a_sockets_thread_is_left(garbage: list[object]) -> None:
    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 1")
        try:
            with transaction.atomic():
                raise AssertionError("The lock was free.")
        finally:
            connection.close()

    is_refused = False
    with locked():
        try:
            await in_database(write)
        except OperationalError:
            is_refused = True
    await in_database(gc.collect)  # the thread has forgotten the call before this one

    assert is_refused
    assert cursors_in(garbage) == []
