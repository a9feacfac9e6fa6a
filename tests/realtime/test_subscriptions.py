"""The subscriptions of a socket when two of its actions overlap, on the simulation's loop."""

from collections.abc import Iterator
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import OperationalError

from realtime.authorization import StreamAccess
from realtime.consumers.subscriptions import SubscriptionActions
from tests.realtime.test_hub import ALICE, ROOM, STREAM, Stage
from tests.sim.loop import VirtualLoop
from wire.problems import Problem


@pytest.fixture
def stage() -> Iterator[Stage]:
    loop = VirtualLoop()
    with loop.running():
        yield Stage(loop)
        loop.end()


@pytest.fixture
def socket(stage: Stage) -> SubscriptionActions:
    socket = SubscriptionActions()
    socket.hub, socket.send_queue, socket.closing, socket.deadline = stage.hub, stage.mailbox, False, None  # type: ignore[assignment]
    socket.tasks = set()
    socket.session = SimpleNamespace(pk=UUID(int=3), user_id=ALICE)  # type: ignore[assignment]
    return socket


def authorize_in_turn(stage: Stage, monkeypatch: pytest.MonkeyPatch, *answers: StreamAccess | Exception) -> None:
    """Make the log return these results, one per call."""
    left = list(answers)

    async def authorize(user_id: UUID, room_id: UUID | None) -> StreamAccess:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(stage.log, "authorize", authorize)


def test_a_room_added_while_the_database_is_away_is_subscribed_to_later(
    stage: Stage, socket: SubscriptionActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The subscription was once dropped, and the device relied on it."""
    authorize_in_turn(stage, monkeypatch, OperationalError("away"), StreamAccess(1, 1))

    socket.added[ROOM] = 1
    stage.hub.spawn(socket._subscribe_to_added(ROOM))
    stage.loop.run_for(1)
    stage.hint(stage.add_message())

    assert stage.mailbox.received == [1, 2]


def test_no_event_follows_an_unsubscribe_during_a_sync(
    stage: Stage, socket: SubscriptionActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def authorize(user_id: UUID, room_id: UUID | None) -> StreamAccess:
        admission = StreamAccess(1, 1)
        socket._continue_from({ROOM: 1}, {ROOM: admission})
        return admission

    monkeypatch.setattr(stage.log, "authorize", authorize)

    stage.hub.spawn(socket.unsubscribe(body={"room_id": STREAM}))
    stage.loop.run_for(0.1)
    stage.hint(stage.add_message())

    assert stage.mailbox.received == []


def test_a_replay_that_a_sync_interrupts_still_ends_with_room_synced(stage: Stage, socket: SubscriptionActions) -> None:
    socket.replied = [stage.prepare()]
    socket._start_replied()

    socket._continue_from({ROOM: 1}, {ROOM: StreamAccess(1, 1)})
    stage.loop.run_for(0.1)

    assert stage.mailbox.received == ["room.synced"]


def test_a_socket_that_closed_during_authentication_is_not_registered(
    stage: Stage, socket: SubscriptionActions
) -> None:
    """Bound after its close, it stayed among the sockets of its session for ever."""
    session, socket.session, socket.closing = socket.session, None, True

    socket.bind(session, 1)  # type: ignore[arg-type]

    assert stage.hub.sessions.sockets == {}


def test_a_room_added_left_and_added_again_is_delivered_from_the_first_join(
    stage: Stage, socket: SubscriptionActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first membership had ended before the subscription started, and its events were lost."""
    authorize_in_turn(stage, monkeypatch, Problem("not_found"), StreamAccess(3, 1))

    socket._on_room_added(ROOM, 1)
    stage.loop.run_for(1)
    stage.add_message()
    stage.add_message()
    socket._on_room_added(ROOM, 3)
    stage.loop.run_for(1)

    assert stage.mailbox.received == [1, 2, 3]
    assert socket.added == {}
