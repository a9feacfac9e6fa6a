"""Who is typing, as one process keeps it; the clock is the event loop's."""

import asyncio

import orjson
import pytest

from realtime import ephemeral
from realtime.ephemeral import Typing
from realtime.feed import EventBatch

ROOM, ALICE, BOB = "01a20595-0000-7000-8000-000000000001", "alice", "bob"


class Told:
    """What was told of a room, in order."""

    def __init__(self) -> None:
        self.sets: list[list[str]] = []

    def __call__(self, stream: str, run: EventBatch, min_seq: int, *, publish: bool) -> None:
        self.sets.append(orjson.loads(run.entries[0].json)["data"]["user_ids"])


async def test_the_full_set_is_told_when_it_changes() -> None:
    told = Told()
    typing = Typing(told)

    for user, on in ((ALICE, True), (ALICE, True), (BOB, True), (ALICE, False), (ALICE, False)):
        typing.note(ROOM, user, on, 1)

    assert told.sets == [[ALICE], [ALICE, BOB], [BOB]]


async def test_who_goes_on_typing_is_told_again_and_who_stops_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ephemeral, "TYPING_RESEND_MS", 40)
    monkeypatch.setattr(ephemeral, "TYPING_EXPIRE_MS", 120)
    told = Told()
    typing = Typing(told)

    for _ in range(5):
        typing.note(ROOM, ALICE, True, 1)
        await asyncio.sleep(0.05)
    while told.sets[-1]:  # noqa: ASYNC110 - bounded by the expiry that it waits for
        await asyncio.sleep(0.01)

    assert told.sets.count([ALICE]) >= 2
    assert told.sets[-1] == []
