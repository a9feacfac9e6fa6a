"""The token buckets of wire.rate_limits, with a clock that the test moves."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django.fixtures import Settings

from wire.problems import REGISTRY, Problem
from wire.rate_limits import RateLimit
from wire.rates import Rate

RATE = Rate("test_bucket", limit=10, window_seconds=100, by="account")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def limits_are_on(settings: Settings) -> Iterator[None]:
    settings.RATE_LIMITS = True
    yield
    REGISTRY.pop("limit.test_bucket", None)  # the contracts list every code of the registry


def refusal(limit: RateLimit, key: str, cost: int = 1) -> Problem | None:
    try:
        limit.take(key, cost)
    except Problem as problem:
        return problem
    return None


def test_a_full_bucket_gives_the_whole_limit_and_then_the_time_to_wait() -> None:
    limit = RateLimit(RATE, clock=Clock())

    answers = [refusal(limit, "alice") for _ in range(11)]

    assert answers[:10] == [None] * 10
    assert answers[10] is not None
    assert (answers[10].code, answers[10].status) == ("limit.test_bucket", 429)
    assert answers[10].retry_after_ms == 10_000


def test_a_bucket_refills_evenly() -> None:
    clock = Clock()
    limit = RateLimit(RATE, clock=clock)
    limit.take("alice", 10)

    clock.now += 30

    assert [refusal(limit, "alice") is None for _ in range(4)] == [True, True, True, False]


def test_keys_do_not_share_a_bucket() -> None:
    limit = RateLimit(RATE, clock=Clock())
    limit.take("alice", 10)

    assert refusal(limit, "bob") is None


def test_a_cost_is_taken_whole_or_not_at_all() -> None:
    limit = RateLimit(RATE, clock=Clock())
    limit.take("alice", 4)

    assert refusal(limit, "alice", 7) is not None
    assert refusal(limit, "alice", 6) is None


def test_parallel_calls_do_not_pass_a_limit() -> None:
    limit = RateLimit(RATE, clock=Clock())

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: refusal(limit, "alice"), range(400)))

    assert answers.count(None) == 10


def test_a_cost_above_the_limit_needs_a_full_bucket_and_empties_it_for_longer() -> None:
    clock = Clock()
    limit = RateLimit(RATE, clock=clock)

    assert refusal(limit, "alice", 15) is None
    clock.now += 50
    assert refusal(limit, "alice") is not None
    clock.now += 10
    assert refusal(limit, "alice") is None


def test_memory_is_bounded_and_the_least_recently_used_key_is_evicted() -> None:
    limit = RateLimit(RATE, max_keys=2, clock=Clock())
    limit.take("alice", 10)
    limit.take("bob", 10)
    limit.take("charlie", 10)

    assert refusal(limit, "charlie") is not None
    assert refusal(limit, "bob") is not None
    assert refusal(limit, "alice") is None


def test_nothing_is_counted_while_limits_are_off(settings: Settings) -> None:
    settings.RATE_LIMITS = False
    limit = RateLimit(RATE, clock=Clock())

    assert all(refusal(limit, "alice") is None for _ in range(100))
