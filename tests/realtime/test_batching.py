"""Asking batching: what a crowd costs, and that nobody in it can hurt another."""

import asyncio
from collections.abc import Sequence

import pytest
from django.db import OperationalError

from realtime import batching as module
from realtime.batching import BatchLoader
from wire.problems import Problem

Answers = Sequence[str | Exception | None]


class Oracle:
    """Answers when it is let; notes who asked batching."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.gate = asyncio.Event()

    async def ask_all(self, questions: Sequence[str]) -> Answers:
        self.calls.append([*questions])
        await self.gate.wait()
        if any("poison" in question for question in questions):
            raise ValueError("poison")
        if any("frozen" in question for question in questions):
            raise OperationalError("frozen")
        return [self.answer(question, len(questions)) for question in questions]

    def answer(self, question: str, asked: int) -> str | Exception | None:
        if "bad" in question:
            return Problem("not_found")
        return None if "slow" in question and asked > 1 else question.upper()


async def ask(batching: BatchLoader[str, str], questions: Sequence[str]) -> list["asyncio.Task[str]"]:
    """They ask at one moment; their call, unless one is under way, has begun."""
    asked = [asyncio.ensure_future(batching.load(question)) for question in questions]
    for _ in range(2):
        await asyncio.sleep(0)
    return asked


@pytest.fixture
async def oracle() -> Oracle:
    return Oracle()


async def test_requests_during_a_query_share_the_next_one(oracle: Oracle) -> None:
    batching = BatchLoader(oracle.ask_all, 10)
    [first] = await ask(batching, ["first"])
    others = await ask(batching, ["a", "b", "c"])
    oracle.gate.set()

    assert await asyncio.gather(first, *others) == ["FIRST", "A", "B", "C"]
    assert oracle.calls == [["first"], ["a", "b", "c"]]
    assert await batching.load("later") == "LATER"


async def test_a_batch_is_limited_by_weight(oracle: Oracle) -> None:
    batching = BatchLoader(oracle.ask_all, 5, len)
    oracle.gate.set()

    answers = await asyncio.gather(*map(batching.load, ["aa", "bb", "cc", "very long", "d", "e"]))

    assert answers == ["AA", "BB", "CC", "VERY LONG", "D", "E"]
    assert oracle.calls == [["aa", "bb"], ["cc"], ["very long"], ["d", "e"]]


@pytest.mark.parametrize("question", ["bad", "poison"])
async def test_a_bad_key_fails_alone(oracle: Oracle, question: str) -> None:
    batching = BatchLoader(oracle.ask_all, 10)
    oracle.gate.set()

    answers = await asyncio.gather(*map(batching.load, ["a", question, "b"]), return_exceptions=True)

    assert [answers[0], answers[2]] == ["A", "B"]
    assert isinstance(answers[1], Problem | ValueError)


async def test_an_outage_fails_the_batch_without_retries(oracle: Oracle) -> None:
    batching = BatchLoader(oracle.ask_all, 10)
    oracle.gate.set()

    answers = await asyncio.gather(*map(batching.load, ["a", "frozen", "b"]), return_exceptions=True)

    assert [type(answer) for answer in answers] == [OperationalError] * 3
    assert len(oracle.calls) == 1
    assert await batching.load("back") == "BACK"


async def test_requests_behind_a_frozen_batch_time_out_too(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DATABASE_SECONDS", 0.2)
    batching = BatchLoader(oracle.ask_all, 2)
    asked = [*await ask(batching, ["first"]), *await ask(batching, ["a", "b", "c", "d", "e"])]

    async with asyncio.timeout(0.35):
        answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(answer) for answer in answers] == [OperationalError] * 6
    oracle.gate.set()
    assert await batching.load("back") == "BACK"
    assert oracle.calls == [["first"], ["back"]]


async def test_an_expired_request_does_not_fail_later_ones_of_its_batch(
    oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a call that takes more than half the time, again and again, would be late for everybody for ever."""
    monkeypatch.setattr(module, "DATABASE_SECONDS", 0.6)
    batching = BatchLoader(oracle.ask_all, 10)
    first, early = [*await ask(batching, ["first"]), *await ask(batching, ["early"])]
    await asyncio.wait([early], timeout=0.3)
    [late] = await ask(batching, ["late"])
    oracle.gate.set()  # for the first call alone
    oracle.gate.clear()
    await first

    with pytest.raises(OperationalError):
        await early
    oracle.gate.set()

    assert await late == "LATE"
    assert oracle.calls == [["first"], ["early", "late"]]


async def test_the_timer_moves_to_the_next_oldest_request(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DATABASE_SECONDS", 0.2)
    batching = BatchLoader(oracle.ask_all, 10)
    [first] = await ask(batching, ["first"])
    await asyncio.wait([first], timeout=0.1)
    [second] = await ask(batching, ["second"])

    async with asyncio.timeout(0.5):
        answers = await asyncio.gather(first, second, return_exceptions=True)

    assert [type(answer) for answer in answers] == [OperationalError] * 2


async def test_cancelled_requests_are_not_loaded(oracle: Oracle) -> None:
    batching = BatchLoader(oracle.ask_all, 10)
    first, gone, last = await ask(batching, ["first", "gone", "last"])
    late, left, stayed = await ask(batching, ["late", "left", "stayed"])
    gone.cancel()
    left.cancel()
    await asyncio.sleep(0)
    oracle.gate.set()

    answers = [await asked for asked in (first, last, late, stayed)]

    assert answers == ["FIRST", "LAST", "LATE", "STAYED"]
    assert oracle.calls == [["first", "gone", "last"], ["late", "stayed"]]


async def test_a_request_after_a_cancelled_batch_is_served(oracle: Oracle) -> None:
    batching = BatchLoader(oracle.ask_all, 10)
    for asked in await ask(batching, ["a", "b"]):
        asked.cancel()
    oracle.gate.set()

    assert await batching.load("next") == "NEXT"


async def test_a_key_without_result_is_loaded_by_itself(oracle: Oracle) -> None:
    batching = BatchLoader(oracle.ask_all, 10)
    oracle.gate.set()

    assert await asyncio.gather(*map(batching.load, ["a", "slow", "b"])) == ["A", "SLOW", "B"]
    assert oracle.calls == [["a", "slow", "b"], ["slow"]]


async def test_a_batch_takes_one_key_of_each_owner(oracle: Oracle) -> None:
    batching = BatchLoader(oracle.ask_all, 10, owner=lambda question: question[0])
    [first] = await ask(batching, ["first"])
    others = await ask(batching, ["a1", "a2", "b1", "a3", "b2"])
    oracle.gate.set()

    await asyncio.gather(first, *others)

    assert oracle.calls == [["first"], ["a1", "b1"], ["a2", "b2"], ["a3"]]


async def test_load_one_waits_for_its_turn_without_blocking_batches(oracle: Oracle) -> None:
    turn, alone = asyncio.Event(), list[str]()

    async def ask_alone(question: str) -> str:
        await turn.wait()
        alone.append(question)
        return question

    batching = BatchLoader(oracle.ask_all, 10, load_one=ask_alone)
    oracle.gate.set()

    slow, quick = await ask(batching, ["slow", "quick"])
    assert await quick == "QUICK"
    assert await batching.load("later") == "LATER"
    assert alone == []
    turn.set()

    assert await slow == "slow"


async def test_an_error_of_load_one_fails_its_key_alone(oracle: Oracle) -> None:
    async def refuse(question: str) -> str:
        raise Problem("unavailable")

    batching = BatchLoader(oracle.ask_all, 10, load_one=refuse)
    oracle.gate.set()

    answers = await asyncio.gather(*map(batching.load, ["slow", "quick"]), return_exceptions=True)

    assert answers[1] == "QUICK"
    assert isinstance(answers[0], Problem)


async def test_a_cancelled_request_cancels_load_one(oracle: Oracle) -> None:
    waits, gone = asyncio.Event(), asyncio.Event()

    async def ask_alone(question: str) -> str:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return question

    batching = BatchLoader(oracle.ask_all, 10, load_one=ask_alone)
    oracle.gate.set()
    slow, _ = await ask(batching, ["slow", "quick"])
    await waits.wait()

    slow.cancel()

    async with asyncio.timeout(10):
        await gone.wait()
