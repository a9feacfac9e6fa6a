"""Turns: heavy reads are bounded, and shared fairly by the users."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from wire.problems import Problem
from wire.turns import Turns


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def hold(stack: ExitStack, turns: Turns, user: str) -> None:
    stack.enter_context(turns.turn(user, before_waiting=lambda: None))


def read(turns: Turns, user: str, waits: Event, order: list[str]) -> None:
    with turns.turn(user, before_waiting=waits.set):
        order.append(user)


def start(threads: ThreadPoolExecutor, turns: Turns, user: str, order: list[str]) -> "Future[None]":
    """A read that waits by now."""
    waits = Event()
    reading = threads.submit(read, turns, user, waits, order)
    assert waits.wait(10)
    return reading


def test_a_free_turn_is_given_at_once() -> None:
    turns, waited, order = Turns(2, 2), Event(), list[str]()

    with ExitStack() as stack:
        hold(stack, turns, "alice")
        read(turns, "bob", waited, order)

    assert (order, waited.is_set()) == (["bob"], False)


def test_users_are_served_in_rotation(threads: ThreadPoolExecutor) -> None:
    turns, order = Turns(1, 1), list[str]()

    with ExitStack() as stack:
        hold(stack, turns, "alice")
        readings = [start(threads, turns, user, order) for user in ("alice", "alice", "alice", "bob")]
    for reading in readings:
        reading.result(10)

    assert order == ["alice", "bob", "alice", "alice"]


def test_one_user_does_not_take_all_turns(threads: ThreadPoolExecutor) -> None:
    turns, order = Turns(3, 2), list[str]()

    with ExitStack() as stack:
        hold(stack, turns, "alice")
        hold(stack, turns, "alice")
        third = start(threads, turns, "alice", order)
        read(turns, "bob", Event(), order)
    third.result(10)

    assert order == ["bob", "alice"]


def test_who_has_waited_long_enough_is_refused() -> None:
    turns = Turns(1, 1, seconds=0.01)

    with ExitStack() as stack:
        hold(stack, turns, "alice")
        with pytest.raises(Problem) as refused:
            read(turns, "bob", Event(), [])
    order = list[str]()
    read(turns, "bob", Event(), order)

    assert (refused.value.code, refused.value.retryable, order) == ("unavailable", True, ["bob"])


def test_a_full_queue_is_shared_too(threads: ThreadPoolExecutor) -> None:
    """The user with most in it loses the newest; who has as many as anybody is refused."""
    turns, order = Turns(1, 1, waiting=3), list[str]()

    with ExitStack() as stack:
        hold(stack, turns, "alice")
        first, second, third = (start(threads, turns, "alice", order) for _ in range(3))
        bob = start(threads, turns, "bob", order)
        with pytest.raises(Problem):
            third.result(10)
        with pytest.raises(Problem):
            read(turns, "alice", Event(), order)
    for reading in (first, second, bob):
        reading.result(10)

    assert sorted(order) == ["alice", "alice", "bob"]


async def test_the_loop_waits_for_a_turn_as_a_thread_does() -> None:
    turns, order = Turns(1, 1, seconds=10), list[str]()

    async def wait() -> None:
        async with turns.turn_in_loop("bob"):
            order.append("bob")

    with ExitStack() as stack:
        hold(stack, turns, "alice")
        waiting = asyncio.ensure_future(wait())
        given_up = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert order == []
    await waiting
    async with turns.turn_in_loop("carol"):
        order.append("carol")

    assert order == ["bob", "carol"]


async def test_the_loop_is_refused_as_a_thread_is() -> None:
    turns = Turns(1, 1, seconds=0.01)

    with ExitStack() as stack:
        hold(stack, turns, "alice")
        with pytest.raises(Problem):
            async with turns.turn_in_loop("bob"):
                pass


def test_an_exception_gives_the_turn_back() -> None:
    turns = Turns(1, 1, seconds=0.01)

    with pytest.raises(ZeroDivisionError), turns.turn("alice", before_waiting=lambda: None):
        raise ZeroDivisionError

    order = list[str]()
    read(turns, "bob", Event(), order)
    assert order == ["bob"]
