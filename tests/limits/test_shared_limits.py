"""The limits that processes share through Redis: each limit below stands for a process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pytest_django import Settings

from tests.realtime.deployment import HAS_REDIS
from wire.problems import REGISTRY, Problem
from wire.rates import Rate
from wire.shared_limits import SharedRateLimit, counters

RATE = Rate("test_shared", limit=10, window_seconds=3600, by="account", shared=True)
shared = pytest.mark.skipif(not HAS_REDIS, reason="processes share their counts through Redis")


@pytest.fixture(autouse=True)
def limits_are_on(settings: Settings) -> Iterator[None]:
    settings.RATE_LIMITS, settings.LIMITS_REDIS_SECONDS = True, 30.0
    yield
    REGISTRY.pop("limit.test_shared", None)  # the contracts list every code of the registry


def allows(limit: SharedRateLimit, key: str) -> bool:
    try:
        limit.take(key)
    except Problem as problem:
        return not 0 < (problem.retry_after_ms or 0) <= 2 * 3_600_000
    return True


@shared
def test_two_processes_allow_the_limit_together() -> None:
    one, other, key = SharedRateLimit(RATE), SharedRateLimit(RATE), uuid4().hex

    allowed = [allows([one, other][number % 2], key) for number in range(14)]

    assert allowed == [*[True] * 10, *[False] * 4]


@shared
def test_parallel_calls_of_two_processes_are_never_more_than_the_limit() -> None:
    processes, key, allowed = [SharedRateLimit(RATE), SharedRateLimit(RATE)], uuid4().hex, Counter[bool]()

    def run(limit: SharedRateLimit) -> None:
        for _ in range(10):
            allowed[allows(limit, key)] += 1

    threads = [threading.Thread(target=run, args=(processes[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= allowed[True] <= RATE.limit
    assert allowed.total() == 80


@shared
def test_a_check_takes_nothing_and_sees_what_others_took() -> None:
    one, other, key = SharedRateLimit(RATE), SharedRateLimit(RATE), uuid4().hex
    for _ in range(20):
        other.check(key)
    for _ in range(10):
        one.take(key)

    with pytest.raises(Problem):
        other.check(key)


@shared
def test_forgetting_a_key_refills_it_for_all_processes() -> None:
    one, other, key = SharedRateLimit(RATE), SharedRateLimit(RATE), uuid4().hex
    for _ in range(10):
        one.take(key)

    one.forget(key)

    assert allows(other, key)


def test_the_counts_of_the_last_window_fade_evenly() -> None:
    judge = SharedRateLimit(RATE)._judge

    assert judge(5, 10, age=1800.0, cost=0) is None
    assert judge(6, 10, age=1800.0, cost=0) is not None
    assert judge(0, 10, age=0.0, cost=1) is not None
    refusal = judge(4, 10, age=0.0, cost=1)
    assert refusal is not None
    assert refusal.retry_after_ms == 1_800_000
    full = judge(10, 0, age=600.0, cost=1)
    assert full is not None
    assert full.retry_after_ms in (3_360_000, 3_360_001)


def test_a_process_without_redis_counts_alone(settings: Settings) -> None:
    settings.REDIS_URL = ""
    one, other, key = SharedRateLimit(RATE), SharedRateLimit(RATE), uuid4().hex

    assert [allows(one, key) for _ in range(11)] == [*[True] * 10, False]
    assert allows(other, key)


def test_redis_holds_no_address(settings: Settings) -> None:
    names = counters._names(RATE, "alice@203.0.113.9", 7)

    assert all(name.startswith("parley:limit:test_shared:") for name in names)
    assert not any("alice" in name or "203" in name.split(":")[3] for name in names)
