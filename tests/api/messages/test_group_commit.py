"""Group commit: concurrent sends share a transaction, and each has its own result."""

import threading
from collections.abc import Iterator, Sequence
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
from api.services.messages import Send, SendResult
from api.services.messages.group_commit import MAX_CONCURRENT_COMMITS, GroupCommitter
from eventlog.models import Event, StreamHead
from eventlog.signals import events_committed
from eventlog.transaction import record_events
from tests.api.stories import events_of, make_room, post_message, types_of
from tests.clients import Person, join_parley
from tests.services import wait_until
from tests.signals import collect_commits
from tests.threads import closing_connections
from wire.problems import Problem


@pytest.fixture
def commits() -> Iterator[list[Sequence[Event]]]:
    """The events of each transaction."""
    with collect_commits() as commits:
        yield commits


@pytest.fixture
def committer() -> Iterator[GroupCommitter]:
    """With threads of its own, which end with the test: the test database could not be dropped otherwise."""
    committer = GroupCommitter()
    yield committer
    committer.close()


def a_send(person: Person, room: Any, **more: Any) -> Send:
    given: dict[str, Any] = {"client_id": uuid4().hex, "text": "Hi", "metadata": {}, "reply_to": None, **more}
    return Send(session=person.session, room_id=UUID(room["id"]), **given)


def commit_queued(sends: Sequence[Send]) -> list["Future[SendResult]"]:
    """Queue all the sends before the first batch is committed, as when a commit is under way."""
    committer = GroupCommitter(1)
    futures = [committer.enqueue(send) for send in sends]
    while committer.commit_next():
        pass
    return futures


class StuckCommit:
    """A send whose thread is stuck in its commit, so that its room is still busy."""

    def __init__(self, committer: GroupCommitter, send: Send) -> None:
        self.committer, self.send = committer, send
        self.is_stuck, self.is_released = threading.Event(), threading.Event()
        self.pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "Future[SendResult]":
        events_committed.connect(self._wait, weak=False)
        future = self.pool.submit(closing_connections(self.committer.send), self.send)
        assert self.is_stuck.wait(5)
        events_committed.disconnect(self._wait)
        return future

    def __exit__(self, *_: object) -> None:
        self.is_released.set()
        self.pool.shutdown()

    def _wait(self, **_: Any) -> None:
        self.is_stuck.set()
        self.is_released.wait(10)


def test_a_lone_send_is_committed_by_its_own_thread(alice: Person) -> None:
    room, committer = make_room(alice), GroupCommitter()
    before = threading.active_count()

    seqs = [committer.send(a_send(alice, room)).seq for _ in range(20)]

    assert seqs == list(range(2, 22))
    assert threading.active_count() == before


@pytest.mark.django_db(transaction=True)
def test_a_submitted_send_is_committed_by_a_committer_thread(alice: Person, committer: GroupCommitter) -> None:
    room, before = make_room(alice), threading.active_count()

    first = committer.submit(a_send(alice, room)).result(5)
    second = committer.submit(a_send(alice, room)).result(5)

    assert (first.seq, second.seq) == (2, 3)
    assert threading.active_count() == before + MAX_CONCURRENT_COMMITS


@pytest.mark.django_db(transaction=True)
def test_sends_that_arrive_during_the_commit_of_a_waiting_thread_are_committed(
    alice: Person, bob: Person, committer: GroupCommitter
) -> None:
    room = make_room(alice, members=[bob])
    with StuckCommit(committer, a_send(alice, room)) as first:
        later = [committer.submit(a_send(person, room)) for person in (alice, bob)]

        assert not any(future.done() for future in later)

    assert [future.result(5).seq for future in (first, *later)] == [2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_close_commits_the_queued_sends(alice: Person, committer: GroupCommitter) -> None:
    room, before = make_room(alice), threading.active_count()
    futures = [committer.submit(a_send(alice, room)) for _ in range(2 * BATCH)]

    committer.close()

    assert all(future.done() for future in futures)
    assert Message.objects.count() == 2 * BATCH
    assert threading.active_count() == before


@pytest.mark.django_db(transaction=True)
def test_a_closed_committer_starts_again(alice: Person, committer: GroupCommitter) -> None:
    room = make_room(alice)
    committer.submit(a_send(alice, room)).result(5)
    committer.close()

    assert committer.submit(a_send(alice, room)).result(5).seq == 3


@pytest.mark.django_db(transaction=True)
def test_an_idle_committer_thread_closes_its_connection(
    alice: Person, committer: GroupCommitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.messages.group_commit.IDLE_SECONDS", 0.05)
    room, used = make_room(alice), []

    def remember(**_: Any) -> None:
        used.append(connections["default"])

    events_committed.connect(remember)
    committer.submit(a_send(alice, room)).result(5)
    events_committed.disconnect(remember)

    wait_until(lambda: used[0].connection is None, seconds=5, what="the idle thread closes its connection")
    assert committer.submit(a_send(alice, room)).result(5).seq == 3


@pytest.mark.django_db(transaction=True)
def test_a_committer_thread_survives_a_connection_that_cannot_be_closed(
    alice: Person, committer: GroupCommitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room(alice)
    failures: list[None] = []
    monkeypatch.setattr("api.services.messages.group_commit.IDLE_SECONDS", 0.05)

    def fail() -> None:
        failures.append(None)
        raise OperationalError("cannot be closed")

    with monkeypatch.context() as patch:
        patch.setattr(connections, "close_all", fail)
        committer.submit(a_send(alice, room)).result(5)
        wait_until(lambda: len(failures) > MAX_CONCURRENT_COMMITS, seconds=5, what="the idle threads fail")

    for seq in range(3, 6):
        assert committer.submit(a_send(alice, room)).result(5).seq == seq


@pytest.mark.django_db(transaction=True)
def test_after_a_fault_in_a_batch_its_senders_get_the_error_and_the_next_batch_is_committed(
    alice: Person, committer: GroupCommitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room(alice)
    with monkeypatch.context() as patch:
        patch.setattr("api.services.messages.group_commit._commit", fail_with_runtime_error)
        futures = [committer.submit(a_send(alice, room)) for _ in range(3)]
        errors = [future.exception(5) for future in futures]

    assert [type(error) for error in errors] == [RuntimeError] * 3
    assert committer.submit(a_send(alice, room)).result(5).seq == 2


def fail_with_runtime_error(*_: object) -> None:
    raise RuntimeError("a fault in the committer")


@pytest.mark.django_db(transaction=True)
def test_queued_sends_share_a_transaction(alice: Person, commits: list[Sequence[Event]]) -> None:
    room = make_room(alice)
    commits.clear()

    futures = commit_queued([a_send(alice, room) for _ in range(2 * BATCH + 10)])

    assert [len(commit) for commit in commits] == [BATCH, BATCH, 10]
    assert [future.result().seq for future in futures] == list(range(2, 2 * BATCH + 12))


@pytest.mark.django_db(transaction=True)
def test_one_sender_cannot_fill_a_batch_while_others_wait(
    alice: Person, bob: Person, commits: list[Sequence[Event]]
) -> None:
    room = make_room(alice, members=[bob])
    commits.clear()

    futures = commit_queued([*(a_send(alice, room) for _ in range(BATCH + 10)), a_send(bob, room)])

    assert futures[-1].result().seq <= 4
    assert str(bob.user.id) in {str(event.actor_id) for event in commits[0]}
    own = [future.result().seq for future in futures[:-1]]
    assert own == sorted(own)


@pytest.mark.django_db(transaction=True)
def test_queued_sends_to_different_rooms_share_a_transaction(alice: Person, commits: list[Sequence[Event]]) -> None:
    rooms = [make_room(alice) for _ in range(3)]
    commits.clear()

    futures = commit_queued([a_send(alice, room) for room in rooms * 2])

    assert len(commits) == 1
    assert [future.result().seq for future in futures] == [2, 2, 2, 3, 3, 3]
    assert [[event["seq"] for event in events_of(room)] for room in rooms] == [[1, 2, 3]] * 3


@pytest.mark.django_db(transaction=True)
def test_a_message_twice_in_one_batch_is_created_once(alice: Person) -> None:
    room = make_room(alice)
    send = a_send(alice, room)

    first, again, other = commit_queued([send, send, replace(send, text="Something else")])

    assert (first.result().created, again.result().created) == (True, False)
    assert first.result().seq == again.result().seq == 2
    with pytest.raises(Problem, match="client_id_reused"):
        other.result()
    assert Message.objects.count() == 1


def test_the_rules_of_each_room_apply_in_a_batch(alice: Person, bob: Person, charlie: Person) -> None:
    room, other = make_room(alice, members=[bob]), make_room(bob)
    private = UUID(post_message(bob, other, "for me only")["id"])

    futures = commit_queued(
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
def test_a_locked_room_delays_no_other(alice: Person, committer: GroupCommitter) -> None:
    held, free = make_room(alice), make_room(alice)
    with record_events(rooms=[UUID(held["id"])]):
        first = committer.submit(a_send(alice, held))
        wait_until(is_anybody_waiting, seconds=5, what="the first commit waits for the room")
        second = committer.submit(a_send(alice, held))

        assert committer.submit(a_send(alice, free)).result(5).seq == 2
        assert not first.done()

    assert (first.result(5).seq, second.result(5).seq) == (2, 3)


@pytest.mark.skipif(connections["default"].vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_the_sends_to_a_locked_room_fail_alone(alice: Person) -> None:
    held, free, other = (make_room(alice) for _ in range(3))
    with connections["default"].cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")

    with ThreadPoolExecutor(1) as pool, HeadHeld(pool, held):
        futures = commit_queued([a_send(alice, room) for room in (free, held, other)])
    with connections["default"].cursor() as cursor:
        cursor.execute("RESET lock_timeout")  # the connection goes back to the pool

    errors = [future.exception() for future in futures]
    assert (errors[0], errors[2]) == (None, None)
    assert isinstance(errors[1], OperationalError)
    assert [types_of(room).count("message.created") for room in (free, held, other)] == [1, 0, 1]


class HeadHeld:
    """A transaction of another thread that locks a room."""

    def __init__(self, pool: ThreadPoolExecutor, room: Any) -> None:
        self.pool, self.room = pool, UUID(room["id"])
        self.is_held, self.is_released = threading.Event(), threading.Event()

    def __enter__(self) -> None:
        self.pool.submit(closing_connections(self._hold), None)
        assert self.is_held.wait(5)

    def __exit__(self, *_: object) -> None:
        self.is_released.set()

    def _hold(self, _: None) -> None:
        with record_events(rooms=[self.room]):
            self.is_held.set()
            self.is_released.wait(10)


def test_a_room_whose_time_is_ahead_changes_the_time_of_no_other(alice: Person) -> None:
    """Otherwise one host with a wrong clock would set the time of every room in its batches, for good."""
    ahead, right = make_room(alice), make_room(alice)
    tomorrow = timezone.now() + timedelta(days=1)
    StreamHead.objects.filter(stream=ahead["id"]).update(last_at=tomorrow)

    futures = commit_queued([a_send(alice, ahead), a_send(alice, right)])

    assert all(future.result().created for future in futures)
    times = [StreamHead.objects.get(stream=room["id"]).last_at for room in (ahead, right)]
    assert times[0] == tomorrow
    assert times[1] is not None
    assert times[1] < tomorrow - timedelta(hours=1)
    assert [Message.objects.get(room_id=room["id"]).created_at for room in (ahead, right)] == times


def is_anybody_waiting() -> bool:
    """True while a statement waits for a lock of another transaction."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.skipif(connections["default"].vendor == "sqlite", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_a_commit_that_lost_its_connection_leaves_the_next_one_intact(alice: Person) -> None:
    """Otherwise sends would fail for ever on a broken connection, as long as others keep arriving."""
    room, committer = make_room(alice), GroupCommitter(1)
    futures = [committer.enqueue(a_send(alice, room)) for _ in range(BATCH + 1)]

    with ThreadPoolExecutor(1) as pool:
        pool.submit(closing_connections(end_backend), backend()).result(5)
    while committer.commit_next():
        pass

    errors = [future.exception() for future in futures]
    assert all(isinstance(error, OperationalError) for error in errors[:BATCH])
    assert errors[BATCH:] == [None]


@pytest.mark.skipif(connections["default"].vendor == "sqlite", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_a_committer_thread_replaces_a_connection_that_the_database_has_ended(
    alice: Person, committer: GroupCommitter
) -> None:
    """Its first send after a restart of the database would fail otherwise."""
    room, used = make_room(alice), []

    def note(**_: object) -> None:
        used.append(backend())

    events_committed.connect(note)
    try:
        committer.submit(a_send(alice, room)).result(5)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(closing_connections(end_backend), used[0]).result(5)
        for _ in range(MAX_CONCURRENT_COMMITS):  # all threads, in any order
            committer.submit(a_send(alice, room)).result(5)
    finally:
        events_committed.disconnect(note)

    assert used[0] not in used[1:]


def backend() -> int:
    """The process of PostgreSQL that serves this thread."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end_backend(pid: int) -> None:
    """Ends the process, as a restart of PostgreSQL does, and waits until it is gone."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert cursor.fetchone() == (True,)


def test_a_refused_send_fails_alone(alice: Person, charlie: Person) -> None:
    room = make_room(alice)

    good, bad, other = commit_queued([a_send(alice, room), a_send(charlie, room), a_send(alice, room)])

    assert (good.result().seq, other.result().seq) == (2, 3)
    with pytest.raises(Problem, match="not_found"):
        bad.result()


def test_a_send_that_breaks_the_transaction_fails_alone(alice: Person) -> None:
    room = make_room(alice)
    unprintable = a_send(alice, room, metadata={"a": object()})  # no serializer lets it through

    good, bad, other = commit_queued([a_send(alice, room), unprintable, a_send(alice, room)])

    assert (good.result().seq, other.result().seq) == (2, 3)
    assert isinstance(bad.exception(), TypeError)
    assert types_of(room) == ["room.created", "message.created", "message.created"]


def test_a_cancelled_send_is_not_committed(alice: Person) -> None:
    room, committer = make_room(alice), GroupCommitter(1)
    first, second = (committer.enqueue(a_send(alice, room)) for _ in range(2))

    second.cancel()
    committer.commit_next()

    assert first.result().seq == 2
    assert Message.objects.count() == 1


def test_an_outage_costs_one_attempt(alice: Person) -> None:
    room = make_room(alice)
    attempts = 0

    def away(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal attempts
        attempts += 1
        raise OperationalError("gone")

    with connections["default"].execute_wrapper(away):
        futures = commit_queued([a_send(alice, room) for _ in range(BATCH)])

    assert attempts == 1
    assert all(isinstance(future.exception(), OperationalError) for future in futures)


@pytest.mark.django_db(transaction=True)
def test_a_waiting_thread_holds_no_connection(alice: Person, committer: GroupCommitter) -> None:
    room = make_room(alice)
    used: Future[Any] = Future()

    def read_and_send(person: Person) -> SendResult:
        Message.objects.count()
        used.set_result(connections["default"])
        sent: SendResult = committer.send(a_send(person, room))
        return sent

    with ThreadPoolExecutor(1) as pool, StuckCommit(committer, a_send(alice, room)):
        sent = pool.submit(closing_connections(read_and_send), alice)
        wait_until(lambda: used.result(5).connection is None, seconds=5, what="the waiting thread closes its own")

    assert sent.result().seq == 3


@pytest.mark.django_db(transaction=True)
def test_a_send_fails_after_the_time_limit(
    alice: Person, committer: GroupCommitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.messages.group_commit.DATABASE_SECONDS", 0.01)
    room = make_room(alice)

    with StuckCommit(committer, a_send(alice, room)) as first, pytest.raises(OperationalError):
        committer.send(a_send(alice, room))

    assert first.result(5).seq == 2
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_threads_send_at_once(alice: Person, committer: GroupCommitter) -> None:
    people = [join_parley(f"guest-{number}") for number in range(8)]
    room = make_room(alice, members=people)

    def talk(person: Person) -> list[int]:
        return [committer.send(a_send(person, room)).seq for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(closing_connections(talk), people))

    assert sorted(seq for own in seqs for seq in own) == list(range(2, 202))
    assert all(own == sorted(own) for own in seqs)
    assert [event["seq"] for event in events_of(room)] == list(range(1, 202))
