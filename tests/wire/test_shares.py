"""Fair shares of a thread pool: the number and the order of running work. The tests hold its threads."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

import pytest

from wire.problems import Problem
from wire.shares import Keys, Shares

T = TypeVar("T")
ALICE, BOB = ("user", "alice"), ("user", "bob")
TEA, GARDEN = ("room", "tea"), ("room", "garden")


class Pool:
    """Eight threads, and work that holds its thread until the test releases it."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.threads = threads
        self.shares = Shares({"user": 2, "room": 2})
        self.begun: list[str] = []
        self.holds: dict[str, Event] = {}

    def start(self, name: str, *keys: tuple[str, str]) -> "asyncio.Task[str]":
        hold = self.holds[name] = Event()

        def work() -> str:
            self.begun.append(name)
            hold.wait()
            return name

        return asyncio.ensure_future(self.run(keys, work))

    async def run(self, keys: Keys, work: Callable[[], T]) -> T:
        await self.shares.take(keys)
        return await self.shares.run(self.threads, keys, work)

    async def settle(self) -> None:
        """Wait until all work that can start has started: work without keys runs after it."""
        await self.run((), lambda: None)

    async def release(self, name: str, task: "asyncio.Task[str]") -> None:
        self.holds[name].set()
        assert await task == name
        await asyncio.sleep(0)  # the loop runs the callback that frees the share
        await self.settle()


@pytest.fixture
def pool() -> Iterator[Pool]:
    with ThreadPoolExecutor(8) as threads:
        pool = Pool(threads)
        yield pool
        for hold in pool.holds.values():
            hold.set()


async def test_a_user_cannot_use_more_threads_than_its_share(pool: Pool) -> None:
    for number in range(24):
        pool.start(f"alice {number}", ALICE)
    pool.start("bob", BOB)
    await asyncio.sleep(0)
    await pool.settle()

    assert sorted(pool.begun) == ["alice 0", "alice 1", "bob"]


async def test_a_room_cannot_use_more_threads_than_its_share(pool: Pool) -> None:
    for number in range(24):
        pool.start(f"guest {number}", ("user", f"{number}"), TEA)
    pool.start("elsewhere", BOB, GARDEN)
    await asyncio.sleep(0)
    await pool.settle()

    assert sorted(pool.begun) == ["elsewhere", "guest 0", "guest 1"]


async def test_work_that_waits_for_a_room_uses_no_thread_of_its_user(pool: Pool) -> None:
    for number in range(2):
        pool.start(f"alice {number}", ALICE, TEA)
    for number in range(2):
        pool.start(f"bob in tea {number}", BOB, TEA)
    pool.start("bob elsewhere", BOB, GARDEN)
    await asyncio.sleep(0)
    await pool.settle()

    assert sorted(pool.begun) == ["alice 0", "alice 1", "bob elsewhere"]


async def test_the_users_of_one_room_take_turns(pool: Pool) -> None:
    """Bob's work waits behind one of Alice's, not behind all of it."""
    tasks = {f"alice {number}": pool.start(f"alice {number}", ALICE, TEA) for number in range(6)}
    await asyncio.sleep(0)
    pool.start("bob", BOB, TEA)
    await asyncio.sleep(0)
    await pool.settle()

    for name in ("alice 0", "alice 1"):
        await pool.release(name, tasks[name])

    assert pool.begun[2:] == ["alice 2", "bob"]


async def test_cancelled_work_leaves_the_queue(pool: Pool) -> None:
    tasks = [pool.start(f"alice {number}", ALICE) for number in range(4)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.wait([tasks[2]])

    await pool.release("alice 0", tasks[0])

    assert pool.begun == ["alice 0", "alice 1", "alice 3"]


async def test_a_running_thread_counts_after_its_caller_is_cancelled(pool: Pool) -> None:
    tasks = [pool.start(f"alice {number}", ALICE) for number in range(3)]
    await asyncio.sleep(0)
    await pool.settle()
    for task in tasks[:2]:
        task.cancel()
    await asyncio.wait(tasks[:2])
    await pool.settle()

    assert pool.begun == ["alice 0", "alice 1"]

    pool.holds["alice 0"].set()
    pool.holds["alice 2"].set()
    assert await tasks[2] == "alice 2"


async def test_work_that_waits_too_long_is_a_problem(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wire.shares.WAIT_SECONDS", 0.01)
    tasks = [pool.start(f"alice {number}", ALICE) for number in range(3)]

    with pytest.raises(Problem, match="unavailable"):
        await tasks[2]


async def test_a_full_queue_rejects_its_own_work_at_once(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wire.shares.WAITING", 2)
    tasks = [pool.start(f"alice {number}", ALICE, TEA) for number in range(5)]
    await asyncio.sleep(0)
    bobs = [pool.start(f"bob {number}", BOB, TEA) for number in range(2)]

    with pytest.raises(Problem, match="unavailable"):
        await tasks[4]
    for hold in pool.holds.values():
        hold.set()

    assert await asyncio.gather(*tasks[:4], *bobs) == ["alice 0", "alice 1", "alice 2", "alice 3", "bob 0", "bob 1"]


async def test_no_state_remains_when_all_work_is_done(pool: Pool) -> None:
    tasks = {f"{number}": pool.start(f"{number}", ALICE, TEA) for number in range(5)}
    await asyncio.sleep(0)
    for hold in pool.holds.values():
        hold.set()
    await asyncio.gather(*tasks.values())
    await asyncio.sleep(0)
    await pool.settle()

    kept = pool.shares._running, pool.shares._queues, pool.shares._queues_of
    assert not any(kept)
