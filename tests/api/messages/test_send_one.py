"""A lone send on PostgreSQL: five prepared statements, one transaction, an intact connection after each failure."""

import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection
from psycopg.pq import TransactionStatus

from api.models import Message
from api.services.messages import Send, SendResult
from api.services.messages.send import send_one
from eventlog.models import Event, StreamHead
from tests.api.messages.test_group_commit import HeadHeld, backend, end_backend
from tests.api.stories import make_room, types_of
from tests.clients import Person
from tests.signals import collect_commits
from tests.threads import closing_connections
from wire.problems import Problem

pytestmark = [
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has the path of the batch alone"),
    pytest.mark.django_db(transaction=True),
]


def a_send(person: Person, room: Any, **more: Any) -> Send:
    given: dict[str, Any] = {"client_id": uuid4().hex, "text": "Hi", "metadata": {}, "reply_to": None, **more}
    return Send(session=person.session, room_id=UUID(room["id"]), **given)


def seq_of(result: SendResult | Problem) -> int:
    assert isinstance(result, SendResult)
    return result.seq


@contextmanager
def traced() -> Iterator[list[str]]:
    """The commands that PostgreSQL completes on this connection, as libpq traces them."""
    connection.ensure_connection()
    commands: list[str] = []
    with tempfile.NamedTemporaryFile("r") as file:
        connection.connection.pgconn.trace(file.fileno())
        try:
            yield commands
        finally:
            connection.connection.pgconn.untrace()
        commands += re.findall(r'CommandComplete\s+"(\w+)', Path(file.name).read_text())


def prepared() -> dict[str, str]:
    """The prepared statements of this connection that read or write the log or the messages, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, statement FROM pg_prepared_statements WHERE statement ~ 'api_(message|streamhead)'"
        )
        return dict(cursor.fetchall())


def is_idle() -> bool:
    return connection.connection is None or connection.connection.info.transaction_status == TransactionStatus.IDLE


def test_a_send_is_five_commands(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    send_one(a_send(bob, room))

    with traced() as commands:
        for person in (alice, bob):
            send_one(a_send(person, room))

    assert commands == ["BEGIN", "SELECT", "SELECT", "INSERT", "COMMIT"] * 2


def test_everything_is_written_and_then_published(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    with collect_commits() as commits:
        result = send_one(a_send(bob, room, text="Tea?"))

    assert isinstance(result, SendResult)
    message, event = Message.objects.get(), Event.objects.get(type="message.created")
    head = StreamHead.objects.get(stream=room["id"])
    assert (message.pk, message.seq, message.version, message.data) == (result.id, result.seq, result.seq, result.json)
    assert (event.message_id, event.seq, event.data, event.actor_id) == (
        result.id,
        result.seq,
        result.json,
        bob.user.id,
    )
    assert (head.last_seq, head.last_at, head.last_message_at) == (result.seq, event.at, message.created_at)
    assert bob.user.memberships.get(room_id=room["id"]).read_seq == result.seq
    assert [(each.seq, each.json()) for commit in commits for each in commit] == [(event.seq, event.json())]


def test_a_retry_is_answered_with_the_first_message(alice: Person) -> None:
    room = make_room(alice)
    send = a_send(alice, room)
    first = send_one(send)

    with collect_commits() as commits:
        again = send_one(send)

    assert isinstance(first, SendResult)
    assert isinstance(again, SendResult)
    assert (again.id, again.seq, again.json, again.created) == (first.id, first.seq, first.json, False)
    assert commits == []


def test_a_refused_send_writes_nothing(alice: Person, charlie: Person) -> None:
    room = make_room(alice)

    refused, unknown = send_one(a_send(charlie, room)), send_one(a_send(alice, {"id": str(uuid4())}))

    assert [getattr(each, "code", None) for each in (refused, unknown)] == ["not_found"] * 2
    assert types_of(room) == ["room.created"]
    assert is_idle()


def test_a_send_that_cannot_be_rendered_is_rolled_back(alice: Person) -> None:
    room = make_room(alice)

    with pytest.raises(TypeError):
        send_one(a_send(alice, room, metadata={"a": object()}))

    assert is_idle()
    assert seq_of(send_one(a_send(alice, room))) == 2


def test_a_commit_that_fails_publishes_nothing(alice: Person) -> None:
    room = make_room(alice)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;"
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON api_message DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    try:
        with collect_commits() as commits, pytest.raises(ProgrammingError, match="refused"):
            send_one(a_send(alice, room))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse CASCADE")

    assert commits == []
    assert is_idle()
    assert seq_of(send_one(a_send(alice, room))) == 2


def test_a_lost_connection_is_an_error_of_django_and_is_replaced(alice: Person) -> None:
    room = make_room(alice)
    send_one(a_send(alice, room))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(closing_connections(end_backend), backend()).result(30)

    with pytest.raises(OperationalError):
        send_one(a_send(alice, room))

    assert seq_of(send_one(a_send(alice, room))) == 3


def test_a_locked_head_fails_at_once_with_nowait(alice: Person) -> None:
    room = make_room(alice)
    with ThreadPoolExecutor(1) as pool, HeadHeld(pool, room), pytest.raises(OperationalError) as caught:
        send_one(a_send(alice, room), nowait=True)

    assert isinstance(caught.value.__cause__, psycopg.errors.LockNotAvailable)
    assert is_idle()
    assert seq_of(send_one(a_send(alice, room), nowait=True)) == 2


def test_a_statement_is_prepared_once_for_all_seqs_and_replies(alice: Person) -> None:
    """psycopg binds an int by its size, and a null by another type than a UUID: each would be one more plan."""
    room = make_room(alice)
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # with the statements that other tests have prepared
    for head in (10, 2**15, 2**31):
        StreamHead.objects.filter(stream=room["id"]).update(last_seq=head)
        first = send_one(a_send(alice, room))
        assert isinstance(first, SendResult)
        for _ in range(4):
            assert isinstance(send_one(a_send(alice, room, reply_to=first.id)), SendResult)

    texts = [text for text in prepared().values() if re.search(r"\$[12]::(uuid|int)", text)]

    assert len(texts) == len(set(texts)) == 3  # the lock, the judge, the write


def test_plans_made_in_an_empty_database_read_no_table_that_has_grown(alice: Person, bob: Person) -> None:
    """PostgreSQL keeps the plan of a prepared statement until it analyzes the tables."""
    room = make_room(alice)
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    with connection.cursor() as cursor:  # its statistics would cause other plans, made for the parameters of each run
        for table in connection.introspection.table_names():
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    for _ in range(15):  # three to prepare, five with plans of their own, and then the plan that is kept
        send_one(a_send(alice, room))
        send_one(a_send(alice, direct))
    fill = """INSERT INTO api_message (id, room_id, seq, version, sender_id, client_id, digest, created_at, data)
              SELECT gen_random_uuid(), %s, seq, seq, %s, seq, '', now(), '{}' FROM generate_series(100, 5000) seq"""

    with connection.cursor() as cursor:
        cursor.execute(fill, [room["id"], alice.user.id])
        plans = []
        for name in prepared():
            cursor.execute(
                "SELECT cardinality(parameter_types), generic_plans FROM pg_prepared_statements WHERE name = %s", [name]
            )
            parameters, generic = cursor.fetchone()
            cursor.execute(f"EXPLAIN EXECUTE {name} ({', '.join(['NULL'] * parameters)})")
            plans.append((generic > 0, "\n".join(line for [line] in cursor.fetchall())))

    assert [kept for kept, _ in plans] == [True] * 4, plans  # the lock, the two judgements, the write
    assert {table for _, plan in plans for table in re.findall(r"Seq Scan on (\w+)", plan)} <= {"api_epoch"}
    scans = {scan for _, plan in plans for scan in re.findall(r"Index (?:Only )?Scan using (\w+)", plan)}
    assert scans == {
        "api_streamhead_pkey",
        "message_sent_once",
        "member_once",
        "api_message_pkey",
        "api_room_pkey",
        "accounts_session_pkey",
        "accounts_user_pkey",
        "blockers_of_user",  # in a direct room
    }
