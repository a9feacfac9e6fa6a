"""The order in which passwords are hashed: fair to kinds of attempts, to addresses and to accounts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from accounts import passwords
from accounts.passwords import Attempt, FairQueue, Turns
from tests.services import wait_until
from wire.problems import Problem


def test_lanes_take_turns_at_each_level() -> None:
    queue = FairQueue()
    for path in ("a 1", "a 1", "a 1", "a 2", "b 1", "b 1"):
        queue.push(tuple(path.split()), path)

    assert [queue.pop() for _ in range(len(queue))] == ["a 1", "b 1", "a 2", "b 1", "a 1", "a 1"]


def test_the_newest_of_the_longest_lane_is_dropped() -> None:
    queue = FairQueue()
    for path in ("a 1", "b 1", "b 2", "b 2"):
        queue.push(tuple(path.split()), f"{path} {len(queue)}")

    assert queue.drop() == "b 2 3"
    assert len(queue) == 3


def test_a_known_account_waits_for_two_others_at_most() -> None:
    """Also when a flood of invented names and of registrations comes from the same address."""
    turns, order = Turns(), list[str]()
    Attempt("login", "alice", "192.0.2.1").succeeded()

    def take(attempt: Attempt) -> None:
        try:
            with turns.turn(attempt):
                order.append(attempt.account)
        except Problem:
            order.append("refused")

    with ThreadPoolExecutor(passwords.WAITING + 1) as threads, turns.turn(Attempt("login", "first", "192.0.2.1")):
        for number in range(passwords.WAITING):
            kind: Literal["login", "register"] = "register" if number % 2 else "login"
            threads.submit(take, Attempt(kind, f"name-{number}", "192.0.2.1"))
        wait_until(lambda: len(turns._queue) == passwords.WAITING, seconds=10, what="not all wait")
        threads.submit(take, Attempt("login", "alice", "192.0.2.1"))
        wait_until(lambda: "refused" in order, seconds=10, what="nobody gave way")
    assert order.index("alice") <= 3  # behind the one that gave way, and one of each other kind
    assert order.count("refused") == 1


def test_a_turn_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "TURN_SECONDS", 0.0)
    turns = Turns()

    with turns.turn(Attempt("login", "alice")), pytest.raises(Problem, match="unavailable"):
        turns._wait(Attempt("login", "bob"))

    with turns.turn(Attempt("login", "carol")):
        pass
