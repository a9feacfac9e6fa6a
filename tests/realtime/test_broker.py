"""Brokers on one Redis: a group that no other process has joined gets no hints, and who joins is heard at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis

from realtime import broker
from realtime.broker import Broker
from realtime.layer import HintLayer
from realtime.seal import Seal
from tests.realtime.deployment import HAS_REDIS
from tests.services import start_redis

pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="the in-memory layer has no broker")

GROUP = "stream.tea"
SECRET = "only-for-tests-" * 4


class Process:
    """The broker of one process, and what it received."""

    def __init__(self, name: str, redis_url: str) -> None:
        self.name = name
        self.layer = HintLayer(hosts=[{"address": redis_url, "protocol": 2}])
        self.texts: list[str] = []
        self.joined: list[str] = []
        self.broker = Broker(
            self.layer,
            sender=name,
            seal=Seal([SECRET]),
            on_message=lambda message: self.texts.append(message["text"]),
            on_joined=self.joined.append,
            on_lost=lambda: None,
        )

    def say(self, text: str) -> None:
        self.broker.publish(GROUP, {"type": "hint", "from": self.name, "text": text})

    async def join(self) -> None:
        self.broker.join(GROUP)
        await until(lambda: GROUP in self.joined)


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not ready():  # noqa: ASYNC110 - the condition is in Redis, or deep in a task
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """Return the URL of a Redis that nobody else uses: it counts what is published."""
    with start_redis() as server:
        yield server.url


@pytest.fixture
async def processes(redis_url: str) -> AsyncIterator[tuple[Process, Process]]:
    async with AsyncExitStack() as stack:
        pair = Process("near", redis_url), Process("far", redis_url)
        for process in pair:
            process.broker.start()
            stack.push_async_callback(process.layer.flush)
            stack.push_async_callback(process.broker.stop)
            await until(lambda process=process: "control" in process.joined)  # type: ignore[misc]
        yield pair


async def believes_alone(process: Process) -> None:
    """Publish until the process has found out that no other has joined the group."""
    async with asyncio.timeout(30):
        while GROUP not in process.broker._alone:
            process.say("is anybody there?")
            await asyncio.sleep(0.01)


async def published(redis_url: str) -> int:
    async with Redis.from_url(redis_url, protocol=2) as redis:
        found: dict[str, Any] = await redis.info("commandstats")
        return int(found.get("cmdstat_publish", {"calls": 0})["calls"])


async def test_a_hint_reaches_the_other_process_and_not_its_own(processes: tuple[Process, Process]) -> None:
    near, far = processes
    await near.join()
    await far.join()

    near.say("Tea?")
    far.say("Yes.")

    await until(lambda: bool(near.texts and far.texts))
    assert (near.texts, far.texts) == (["Yes."], ["Tea?"])
    assert (near.broker.dropped, far.broker.dropped) == (0, 0)


@pytest.mark.parametrize("listens", [False, True])
async def test_a_group_without_another_process_gets_no_hints(
    processes: tuple[Process, Process], redis_url: str, listens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "ALONE_SECONDS", 60.0)
    near, _ = processes
    if listens:
        await near.join()
    await believes_alone(near)
    await until(lambda: not near.broker._outgoing)
    before = await published(redis_url)

    for _ in range(100):
        near.say("Is anybody there?")

    assert not near.broker._outgoing
    assert await published(redis_url) == before


async def test_the_hints_after_a_join_arrive(
    processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An announcement ends the belief of a process that it is alone, long before the belief expires."""
    monkeypatch.setattr(broker, "ALONE_SECONDS", 3_600.0)
    near, far = processes
    await believes_alone(near)

    await far.join()
    await until(lambda: GROUP not in near.broker._alone)
    near.say("Welcome.")

    await until(lambda: bool(far.texts))
    assert far.texts[-1] == "Welcome."


async def test_the_belief_ends_without_an_announcement(
    processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of an older version announces nothing."""
    monkeypatch.setattr(broker, "ALONE_SECONDS", 0.1)
    monkeypatch.setattr(broker, "ANNOUNCEMENT", "not understood")
    near, far = processes
    await believes_alone(near)
    await far.join()

    while not far.texts:
        near.say("Welcome.")
        await asyncio.sleep(0.01)

    assert set(far.texts) == {"Welcome."}


async def test_a_process_whose_last_listener_left_is_alone_again(processes: tuple[Process, Process]) -> None:
    near, far = processes
    await far.join()
    near.say("Tea?")
    await until(lambda: bool(far.texts))
    assert GROUP not in near.broker._alone

    far.broker.leave(GROUP)

    await believes_alone(near)


async def test_the_hints_of_one_turn_keep_their_order(processes: tuple[Process, Process]) -> None:
    near, far = processes
    await far.join()
    said = [f"{number}" for number in range(250)]

    for text in said:
        near.say(text)

    await until(lambda: len(far.texts) == len(said))
    assert far.texts == said


async def test_the_control_group_always_gets_its_messages(processes: tuple[Process, Process]) -> None:
    """It carries the end of sessions: a process that starts must not miss one because nobody was there before."""
    near, _ = processes
    await until(lambda: not near.broker._outgoing)
    near.broker.publish("control", {"type": "hint", "from": "near", "text": "one"})
    await until(lambda: not near.broker._outgoing)

    assert "control" not in near.broker._alone


async def test_an_older_process_reads_the_hints(processes: tuple[Process, Process]) -> None:
    """It takes the HMAC and the body, and ignores the rest."""
    near, far = processes
    channel = await far.layer.new_channel()
    await far.layer.group_add(GROUP, channel)

    near.say("Tea?")

    sealed = await far.layer.receive(channel)
    assert Seal([SECRET]).verify({"mac": sealed["mac"], "body": sealed["body"]})["text"] == "Tea?"


async def test_it_stops_in_the_middle_of_a_publish(redis_url: str) -> None:
    """A cancellation that arrives as a command has just been sent is lost within redis-py, on Python 3.11."""
    process = Process("near", redis_url)
    for turns in range(30):
        process.broker.start()
        await until(lambda: "control" in process.joined)
        process.broker.publish("control", {"type": "hint", "from": "near", "text": "one"})
        for _ in range(turns):
            await asyncio.sleep(0)

        async with asyncio.timeout(30):
            await process.broker.stop()

        process.joined.clear()
    await process.layer.flush()
