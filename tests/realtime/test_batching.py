"""The batch loader: the number of queries of a crowd, and the isolation of its requests."""

import asyncio
from collections.abc import Sequence

import pytest
from django.db import OperationalError

from realtime import batching
from realtime.batching import BatchLoader
from realtime.sessions import MAX_TOKENS_PER_QUERY
from wire.problems import Problem

Results = Sequence[str | Exception | None]


class GatedLoader:
    """A loader that waits for its gate, and records the keys of each batch."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.gate = asyncio.Event()

    async def load_batch(self, keys: Sequence[str]) -> Results:
        self.calls.append([*keys])
        await self.gate.wait()
        if any("poison" in key for key in keys):
            raise ValueError("poison")
        if any("frozen" in key for key in keys):
            raise OperationalError("frozen")
        return [self.answer(key, len(keys)) for key in keys]

    def answer(self, key: str, count: int) -> str | Exception | None:
        if "bad" in key:
            return Problem("not_found")
        return None if "slow" in key and count > 1 else key.upper()


async def request(batch_loader: BatchLoader[str, str], keys: Sequence[str]) -> list["asyncio.Task[str]"]:
    """Request all keys at once; their batch, unless another is running, has started."""
    requests = [asyncio.ensure_future(batch_loader.load(key)) for key in keys]
    for _ in range(2):
        await asyncio.sleep(0)
    return requests


@pytest.fixture
async def loader() -> GatedLoader:
    return GatedLoader()


async def test_requests_during_a_query_share_the_next_one(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, 10)
    [first] = await request(batch_loader, ["first"])
    others = await request(batch_loader, ["a", "b", "c"])
    loader.gate.set()

    assert await asyncio.gather(first, *others) == ["FIRST", "A", "B", "C"]
    assert loader.calls == [["first"], ["a", "b", "c"]]
    assert await batch_loader.load("later") == "LATER"


async def test_frames_that_are_read_one_after_the_other_share_the_first_query(loader: GatedLoader) -> None:
    """Each frame of a device begins a step of the event loop after the one before it."""
    batch_loader = BatchLoader(loader.load_batch, 10)
    loader.gate.set()
    first = asyncio.ensure_future(batch_loader.load("first"))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(batch_loader.load("second"))

    await asyncio.gather(first, second)

    assert loader.calls == [["first", "second"]]


async def test_a_batch_is_limited_by_weight(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, 5, len)
    loader.gate.set()

    answers = await asyncio.gather(*map(batch_loader.load, ["aa", "bb", "cc", "very long", "d", "e"]))

    assert answers == ["AA", "BB", "CC", "VERY LONG", "D", "E"]
    assert loader.calls == [["aa", "bb"], ["cc"], ["very long"], ["d", "e"]]


@pytest.mark.parametrize("key", ["bad", "poison"])
async def test_a_bad_key_fails_alone(loader: GatedLoader, key: str) -> None:
    batch_loader = BatchLoader(loader.load_batch, 10)
    loader.gate.set()

    answers = await asyncio.gather(*map(batch_loader.load, ["a", key, "b"]), return_exceptions=True)

    assert [answers[0], answers[2]] == ["A", "B"]
    assert isinstance(answers[1], Problem | ValueError)


async def test_an_outage_fails_the_batch_without_retries(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, 10)
    loader.gate.set()

    answers = await asyncio.gather(*map(batch_loader.load, ["a", "frozen", "b"]), return_exceptions=True)

    assert [type(answer) for answer in answers] == [OperationalError] * 3
    assert len(loader.calls) == 1
    assert await batch_loader.load("back") == "BACK"


async def test_requests_behind_a_frozen_batch_time_out(loader: GatedLoader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "DATABASE_SECONDS", 0.2)
    batch_loader = BatchLoader(loader.load_batch, 2)
    requested = [*await request(batch_loader, ["first"]), *await request(batch_loader, ["a", "b", "c", "d", "e"])]

    async with asyncio.timeout(0.35):
        answers = await asyncio.gather(*requested, return_exceptions=True)

    assert [type(answer) for answer in answers] == [OperationalError] * 6
    loader.gate.set()
    assert await batch_loader.load("back") == "BACK"
    assert loader.calls == [["first"], ["back"]]


async def test_an_expired_request_does_not_fail_later_ones_of_its_batch(
    loader: GatedLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else batches that take more than half the time would make every later request time out."""
    monkeypatch.setattr(batching, "DATABASE_SECONDS", 0.6)
    batch_loader = BatchLoader(loader.load_batch, 10)
    first, early = [*await request(batch_loader, ["first"]), *await request(batch_loader, ["early"])]
    await asyncio.wait([early], timeout=0.3)
    [late] = await request(batch_loader, ["late"])
    loader.gate.set()  # for the first call alone
    loader.gate.clear()
    await first

    with pytest.raises(OperationalError):
        await early
    loader.gate.set()

    assert await late == "LATE"
    assert loader.calls == [["first"], ["early", "late"]]


async def test_the_timer_moves_to_the_next_oldest_request(loader: GatedLoader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "DATABASE_SECONDS", 0.2)
    batch_loader = BatchLoader(loader.load_batch, 10)
    [first] = await request(batch_loader, ["first"])
    await asyncio.wait([first], timeout=0.1)
    [second] = await request(batch_loader, ["second"])

    async with asyncio.timeout(0.5):
        answers = await asyncio.gather(first, second, return_exceptions=True)

    assert [type(answer) for answer in answers] == [OperationalError] * 2


async def test_cancelled_requests_are_not_loaded(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, 10)
    first, gone, last = await request(batch_loader, ["first", "gone", "last"])
    late, left, stayed = await request(batch_loader, ["late", "left", "stayed"])
    gone.cancel()
    left.cancel()
    await asyncio.sleep(0)
    loader.gate.set()

    answers = [await requested for requested in (first, last, late, stayed)]

    assert answers == ["FIRST", "LAST", "LATE", "STAYED"]
    assert loader.calls == [["first", "gone", "last"], ["late", "stayed"]]


async def test_a_request_after_a_cancelled_batch_is_served(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, 10)
    for requested in await request(batch_loader, ["a", "b"]):
        requested.cancel()
    loader.gate.set()

    assert await batch_loader.load("next") == "NEXT"


async def test_a_key_without_result_is_loaded_by_itself(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, 10)
    loader.gate.set()

    assert await asyncio.gather(*map(batch_loader.load, ["a", "slow", "b"])) == ["A", "SLOW", "B"]
    assert loader.calls == [["a", "slow", "b"], ["slow"]]


async def test_a_batch_takes_one_key_of_each_owner(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, 10, owner=lambda key: key[0])
    [first] = await request(batch_loader, ["first"])
    others = await request(batch_loader, ["a1", "a2", "b1", "a3", "b2"])
    loader.gate.set()

    await asyncio.gather(first, *others)

    assert loader.calls == [["first"], ["a1", "b1"], ["a2", "b2"], ["a3"]]


async def test_load_one_waits_for_its_turn_without_blocking_batches(loader: GatedLoader) -> None:
    turn, alone = asyncio.Event(), list[str]()

    async def load_one(key: str) -> str:
        await turn.wait()
        alone.append(key)
        return key

    batch_loader = BatchLoader(loader.load_batch, 10, load_one=load_one)
    loader.gate.set()

    slow, quick = await request(batch_loader, ["slow", "quick"])
    assert await quick == "QUICK"
    assert await batch_loader.load("later") == "LATER"
    assert alone == []
    turn.set()

    assert await slow == "slow"


async def test_an_error_of_load_one_fails_its_key_alone(loader: GatedLoader) -> None:
    async def refuse(key: str) -> str:
        raise Problem("unavailable")

    batch_loader = BatchLoader(loader.load_batch, 10, load_one=refuse)
    loader.gate.set()

    answers = await asyncio.gather(*map(batch_loader.load, ["slow", "quick"]), return_exceptions=True)

    assert answers[1] == "QUICK"
    assert isinstance(answers[0], Problem)


async def test_a_cancelled_request_cancels_load_one(loader: GatedLoader) -> None:
    waits, gone = asyncio.Event(), asyncio.Event()

    async def load_one(key: str) -> str:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return key

    batch_loader = BatchLoader(loader.load_batch, 10, load_one=load_one)
    loader.gate.set()
    slow, _ = await request(batch_loader, ["slow", "quick"])
    await waits.wait()

    slow.cancel()

    async with asyncio.timeout(10):
        await gone.wait()


async def test_a_storm_of_a_thousand_devices_needs_one_query_for_each_hundred(loader: GatedLoader) -> None:
    batch_loader = BatchLoader(loader.load_batch, MAX_TOKENS_PER_QUERY)
    tokens = [f"token-{number}" for number in range(1_000)]
    requests = await request(batch_loader, tokens)
    loader.gate.set()

    assert await asyncio.gather(*requests) == [token.upper() for token in tokens]
    assert [key for call in loader.calls for key in call] == tokens  # in the order of their return
    assert max(len(call) for call in loader.calls) == MAX_TOKENS_PER_QUERY
    assert len(loader.calls) <= 11
