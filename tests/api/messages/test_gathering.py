"""Group commit: what waits for a room together is written together, and nobody notices."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connections

from api.events import on_committed
from api.models import Event, Message
from api.serializers.messages import BATCH
from api.services.gathering import Gatherer
from api.services.messages import Send, Sent
from tests.api.stories import events_of, make_room, types_of
from tests.clients import Person, join_parley
from tests.services import wait_until
from tests.threads import closing_connections
from wire.problems import Problem


@pytest.fixture
def commits() -> Iterator[list[Sequence[Event]]]:
    """What each transaction wrote."""
    heard: list[Sequence[Event]] = []
    on_committed.append(heard.append)
    yield heard
    on_committed.remove(heard.append)


def a_send(person: Person, room: Any, **more: Any) -> Send:
    given: dict[str, Any] = {"client_id": uuid4().hex, "text": "Hi", "metadata": {}, "reply_to": None, **more}
    return Send(session=person.session, room_id=UUID(room["id"]), **given)


def gather(sends: Sequence[Send]) -> list["Future[Sent]"]:
    """All of them wait before the first of them begins to write, as when a commit is under way."""
    gatherer = Gatherer()
    submitted = [gatherer.submit(send) for send in sends]
    leaders = [lead for _, lead in submitted if lead is not None]
    assert len(leaders) == 1
    leaders[0]()
    return [future for future, _ in submitted]


def test_a_lone_send_is_written_by_its_own_thread(alice: Person) -> None:
    room, gatherer = make_room(alice), Gatherer()
    before = threading.active_count()

    seqs = [gatherer.send(a_send(alice, room)).seq for _ in range(20)]

    assert seqs == list(range(2, 22))
    assert threading.active_count() == before


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_written_together(alice: Person, commits: list[Sequence[Event]]) -> None:
    room = make_room(alice)
    commits.clear()

    futures = gather([a_send(alice, room) for _ in range(2 * BATCH + 10)])

    assert [len(commit) for commit in commits] == [BATCH, BATCH, 10]
    assert [future.result().seq for future in futures] == list(range(2, 2 * BATCH + 12))


@pytest.mark.django_db(transaction=True)
def test_nobody_fills_a_batch_alone_while_others_wait(
    alice: Person, bob: Person, commits: list[Sequence[Event]]
) -> None:
    room = make_room(alice, members=[bob])
    commits.clear()

    futures = gather([*(a_send(alice, room) for _ in range(BATCH + 10)), a_send(bob, room)])

    assert futures[-1].result().seq <= 4
    assert str(bob.user.id) in {str(event.actor_id) for event in commits[0]}
    own = [future.result().seq for future in futures[:-1]]
    assert own == sorted(own)


def test_a_bad_one_fails_alone(alice: Person, charlie: Person) -> None:
    room = make_room(alice)

    good, bad, other = gather([a_send(alice, room), a_send(charlie, room), a_send(alice, room)])

    assert (good.result().seq, other.result().seq) == (2, 3)
    with pytest.raises(Problem, match="not_found"):
        bad.result()


def test_one_that_breaks_the_transaction_fails_alone(alice: Person) -> None:
    room = make_room(alice)
    unprintable = a_send(alice, room, metadata={"a": object()})  # no serializer lets it through

    good, bad, other = gather([a_send(alice, room), unprintable, a_send(alice, room)])

    assert (good.result().seq, other.result().seq) == (2, 3)
    assert isinstance(bad.exception(), TypeError)
    assert types_of(room) == ["room.created", "message.created", "message.created"]


def test_one_that_nobody_waits_for_any_more_is_not_written(alice: Person) -> None:
    room, gatherer = make_room(alice), Gatherer()
    first, lead = gatherer.submit(a_send(alice, room))
    second, _ = gatherer.submit(a_send(alice, room))
    second.cancel()

    assert lead is not None
    lead()

    assert first.result().seq == 2
    assert Message.objects.count() == 1


def test_a_database_that_is_away_is_asked_once(alice: Person) -> None:
    room = make_room(alice)
    asked = 0

    def away(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal asked
        asked += 1
        raise OperationalError("gone")

    with connections["default"].execute_wrapper(away):
        futures = gather([a_send(alice, room) for _ in range(BATCH)])

    assert asked == 1
    assert all(isinstance(future.exception(), OperationalError) for future in futures)


@pytest.mark.django_db(transaction=True)
def test_who_waits_holds_no_connection(alice: Person) -> None:
    room, gatherer = make_room(alice), Gatherer()
    _, lead = gatherer.submit(a_send(alice, room))
    used: Future[Any] = Future()

    def read_and_send(person: Person) -> Sent:
        Message.objects.count()
        used.set_result(connections["default"])
        return gatherer.send(a_send(person, room))

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(closing_connections(read_and_send), alice)
        try:
            wait_until(lambda: used.result(5).connection is None, seconds=5, what="the one who waits lets go")
        finally:
            assert lead is not None
            lead()

    assert sent.result().seq == 3


@pytest.mark.django_db(transaction=True)
def test_many_threads_of_many_people(alice: Person) -> None:
    people = [join_parley(f"guest-{number}") for number in range(8)]
    room, gatherer = make_room(alice, members=people), Gatherer()

    def talk(person: Person) -> list[int]:
        return [gatherer.send(a_send(person, room)).seq for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(closing_connections(talk), people))

    assert sorted(seq for own in seqs for seq in own) == list(range(2, 202))
    assert all(own == sorted(own) for own in seqs)
    assert [event["seq"] for event in events_of(room)] == list(range(1, 202))
