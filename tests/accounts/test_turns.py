"""The order of password hashes: fair to categories of attempts, to addresses and to accounts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from accounts import passwords
from accounts.passwords import Attempt, FairQueue, Turns
from tests.services import wait_until
from wire.problems import Problem


def test_queues_take_turns_at_each_level() -> None:
    queue = FairQueue()
    for path in ("a 1", "a 1", "a 1", "a 2", "b 1", "b 1"):
        queue.push(tuple(path.split()), path)

    assert [queue.pop() for _ in range(len(queue))] == ["a 1", "b 1", "a 2", "b 1", "a 1", "a 1"]


def test_the_newest_item_of_the_longest_queue_is_dropped() -> None:
    queue = FairQueue()
    for path in ("a 1", "b 1", "b 2", "b 2"):
        queue.push(tuple(path.split()), f"{path} {len(queue)}")

    assert queue.drop() == "b 2 3"
    assert len(queue) == 3


@pytest.mark.parametrize("is_known", [True, False])
def test_an_account_waits_for_at_most_two_other_hashes(is_known: bool) -> None:
    """A flood of invented names and registrations comes from the same address; after a restart no account is known."""
    turns, order = Turns(), list[str]()
    alice = Attempt("login", "alice", "192.0.2.1", exists=True)
    if is_known:
        alice.succeeded()

    def take(attempt: Attempt) -> None:
        try:
            with turns.turn(attempt):
                order.append(attempt.account)
        except Problem:
            order.append("rejected")

    with ThreadPoolExecutor(passwords.WAITING + 1) as threads, turns.turn(Attempt("login", "first", "192.0.2.1")):
        for number in range(passwords.WAITING):
            kind: Literal["login", "register"] = "register" if number % 2 else "login"
            threads.submit(take, Attempt(kind, f"name-{number}", "192.0.2.1"))
        wait_until(lambda: len(turns._queue) == passwords.WAITING, seconds=10, what="not all wait")
        threads.submit(take, alice)
        wait_until(lambda: "rejected" in order, seconds=10, what="no attempt was rejected")
    assert order.index("alice") <= 3  # after the rejected one, and one of each other category
    assert order.count("rejected") == 1


def test_an_attempt_that_waits_too_long_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "TURN_SECONDS", 0.0)
    turns = Turns()

    with turns.turn(Attempt("login", "alice")), pytest.raises(Problem, match="unavailable"):
        turns._wait(Attempt("login", "bob"))

    with turns.turn(Attempt("login", "carol")):
        pass
