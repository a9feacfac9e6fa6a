"""Group commit: what waits together is written together, and nobody notices."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from api.models import Message
from api.serializers.messages import BATCH
from api.services.messages.group_commit import GroupCommitter
from api.services.messages.send import Send, SendResult
from eventlog.models import Event, StreamHead
from eventlog.transaction import record_events
from tests.api.stories import events_of, make_room, say, types_of
from tests.clients import Person, join_parley
from tests.services import wait_until
from tests.signals import collect_commits
from tests.threads import closing_connections
from wire.problems import Problem


@pytest.fixture
def commits() -> Iterator[list[Sequence[Event]]]:
    """What each transaction wrote."""
    with collect_commits() as commits:
        yield commits


def a_send(person: Person, room: Any, **more: Any) -> Send:
    given: dict[str, Any] = {"client_id": uuid4().hex, "text": "Hi", "metadata": {}, "reply_to": None, **more}
    return Send(session=person.session, room_id=UUID(room["id"]), **given)


def gather(sends: Sequence[Send]) -> list["Future[SendResult]"]:
    """All of them wait before the first of them begins to write, as when a commit is under way."""
    group_committer = GroupCommitter(lanes=1)
    submitted = [group_committer.submit(send) for send in sends]
    leaders = [lead for _, lead in submitted if lead is not None]
    assert len(leaders) == 1
    leaders[0]()
    return [future for future, _ in submitted]


def test_a_lone_send_is_written_by_its_own_thread(alice: Person) -> None:
    room, group_committer = make_room(alice), GroupCommitter()
    before = threading.active_count()

    seqs = [group_committer.send(a_send(alice, room)).seq for _ in range(20)]

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


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_different_rooms_is_written_together(alice: Person, commits: list[Sequence[Event]]) -> None:
    rooms = [make_room(alice) for _ in range(3)]
    commits.clear()

    futures = gather([a_send(alice, room) for room in rooms * 2])

    assert len(commits) == 1
    assert [future.result().seq for future in futures] == [2, 2, 2, 3, 3, 3]
    assert [[event["seq"] for event in events_of(room)] for room in rooms] == [[1, 2, 3]] * 3


@pytest.mark.django_db(transaction=True)
def test_the_same_message_twice_in_one_batch_is_one(alice: Person) -> None:
    room = make_room(alice)
    send = a_send(alice, room)

    first, again, other = gather([send, send, replace(send, text="Something else")])

    assert (first.result().created, again.result().created) == (True, False)
    assert first.result().seq == again.result().seq == 2
    with pytest.raises(Problem, match="client_id_reused"):
        other.result()
    assert Message.objects.count() == 1


def test_each_is_judged_by_its_own_room(alice: Person, bob: Person, charlie: Person) -> None:
    room, other = make_room(alice, members=[bob]), make_room(bob)
    private = UUID(say(bob, other, "for me only")["id"])

    futures = gather(
        [
            a_send(charlie, room),
            a_send(bob, room),
            a_send(alice, other),
            a_send(bob, other, reply_to=private),
            a_send(alice, room, reply_to=private),
        ]
    )

    problems = [future.exception() for future in futures]
    assert [problem and getattr(problem, "code", problem) for problem in problems] == [
        "not_found",
        None,
        "not_found",
        None,
        "request.invalid",
    ]
    assert [types_of(place).count("message.created") for place in (room, other)] == [1, 2]


@pytest.mark.skipif(connections["default"].vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_a_room_that_somebody_holds_delays_no_other(alice: Person) -> None:
    held, free, group_committer = make_room(alice), make_room(alice), GroupCommitter(lanes=2)
    with ThreadPoolExecutor(1) as pool:
        with record_events(rooms=[UUID(held["id"])]):
            first, lead = group_committer.submit(a_send(alice, held))
            assert lead is not None
            leading = pool.submit(closing_connections(run), lead)
            wait_until(is_anybody_waiting, seconds=5, what="the first lane waits for the room")
            second, no_lead = group_committer.submit(a_send(alice, held))

            assert no_lead is None
            assert send_apart(group_committer, a_send(alice, free)).seq == 2
            assert not first.done()
        leading.result(5)

    assert (first.result(5).seq, second.result(5).seq) == (2, 3)


def run(work: Callable[[], None]) -> None:
    work()


@pytest.mark.skipif(connections["default"].vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_a_room_that_somebody_holds_fails_alone(alice: Person) -> None:
    held, free, other = (make_room(alice) for _ in range(3))
    with connections["default"].cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")

    with ThreadPoolExecutor(1) as pool, HeadHeld(pool, held):
        futures = gather([a_send(alice, room) for room in (free, held, other)])

    errors = [future.exception() for future in futures]
    assert (errors[0], errors[2]) == (None, None)
    assert isinstance(errors[1], OperationalError)
    assert [types_of(room).count("message.created") for room in (free, held, other)] == [1, 0, 1]


class HeadHeld:
    """Somebody else's transaction in a room, on a thread of its own."""

    def __init__(self, pool: ThreadPoolExecutor, room: Any) -> None:
        self.pool, self.room = pool, UUID(room["id"])
        self.has_it, self.let_go = threading.Event(), threading.Event()

    def __enter__(self) -> None:
        self.pool.submit(closing_connections(self._hold), None)
        assert self.has_it.wait(5)

    def __exit__(self, *_: object) -> None:
        self.let_go.set()

    def _hold(self, _: None) -> None:
        with record_events(rooms=[self.room]):
            self.has_it.set()
            self.let_go.wait(10)


def test_a_clock_that_was_ahead_in_one_room_is_of_no_other(alice: Person) -> None:
    """Else one wrong host would set the time of every room whose sends go with it, for good."""
    ahead, right = make_room(alice), make_room(alice)
    tomorrow = timezone.now() + timedelta(days=1)
    StreamHead.objects.filter(stream=ahead["id"]).update(last_at=tomorrow)

    futures = gather([a_send(alice, ahead), a_send(alice, right)])

    assert all(future.result().created for future in futures)
    times = [StreamHead.objects.get(stream=room["id"]).last_at for room in (ahead, right)]
    assert times[0] == tomorrow
    assert times[1] is not None
    assert times[1] < tomorrow - timedelta(hours=1)
    assert [Message.objects.get(room_id=room["id"]).created_at for room in (ahead, right)] == times


def send_apart(group_committer: GroupCommitter, send: Send) -> SendResult:
    """From a thread of its own, with a connection of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(closing_connections(group_committer.send), send).result(5)


def is_anybody_waiting() -> bool:
    """Whether a statement waits for a lock of another transaction."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.skipif(connections["default"].vendor == "sqlite", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_who_leads_on_a_lost_connection_takes_another(alice: Person) -> None:
    """Those who come while it fails must not fail for ever, only because somebody always waits."""
    room, group_committer = make_room(alice), GroupCommitter(lanes=1)
    submitted = [group_committer.submit(a_send(alice, room)) for _ in range(BATCH + 1)]

    with ThreadPoolExecutor(1) as pool:
        pool.submit(closing_connections(end_backend), backend()).result(5)
    lead = submitted[0][1]
    assert lead is not None
    lead()

    errors = [future.exception() for future, _ in submitted]
    assert all(isinstance(error, OperationalError) for error in errors[:BATCH])
    assert errors[BATCH:] == [None]


def backend() -> int:
    """The process of PostgreSQL that serves this thread."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end_backend(pid: int) -> None:
    """As when PostgreSQL restarts; waits until it is gone."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert cursor.fetchone() == (True,)


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
    room, group_committer = make_room(alice), GroupCommitter()
    first, lead = group_committer.submit(a_send(alice, room))
    second, _ = group_committer.submit(a_send(alice, room))
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
    room, group_committer = make_room(alice), GroupCommitter()
    _, lead = group_committer.submit(a_send(alice, room))
    used: Future[Any] = Future()

    def read_and_send(person: Person) -> SendResult:
        Message.objects.count()
        used.set_result(connections["default"])
        return group_committer.send(a_send(person, room))

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(closing_connections(read_and_send), alice)
        try:
            wait_until(lambda: used.result(5).connection is None, seconds=5, what="the one who waits lets go")
        finally:
            assert lead is not None
            lead()

    assert sent.result().seq == 3


def test_nobody_waits_for_ever(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.messages.group_commit.WAIT_SECONDS", 0.01)
    room, group_committer = make_room(alice), GroupCommitter(lanes=1)
    first, lead = group_committer.submit(a_send(alice, room))  # its leader is stuck

    with pytest.raises(OperationalError):
        group_committer.send(a_send(alice, room))

    assert lead is not None
    lead()
    assert first.result().seq == 2
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_threads_of_many_people(alice: Person) -> None:
    people = [join_parley(f"guest-{number}") for number in range(8)]
    room, group_committer = make_room(alice, members=people), GroupCommitter()

    def talk(person: Person) -> list[int]:
        return [group_committer.send(a_send(person, room)).seq for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(closing_connections(talk), people))

    assert sorted(seq for own in seqs for seq in own) == list(range(2, 202))
    assert all(own == sorted(own) for own in seqs)
    assert [event["seq"] for event in events_of(room)] == list(range(1, 202))
