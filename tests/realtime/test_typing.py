"""The users who type, as one process keeps them; the clock is the event loop's."""

import asyncio
from typing import Any

import orjson
import pytest

from realtime import ephemeral
from realtime.ephemeral import Typing
from realtime.feed import Feed
from realtime.feed_registry import FeedRegistry
from realtime.log_entry import EventBatch
from realtime.subscription import Subscription

ROOM, ALICE, BOB = "01a20595-0000-7000-8000-000000000001", "alice", "bob"


class Mailbox:
    """A subscriber that keeps the sets of users, in order."""

    is_full = False

    def __init__(self) -> None:
        self.sets: list[list[str]] = []

    async def wait_writable(self) -> None:
        """Never full."""

    def send_events(self, batch: EventBatch) -> None:
        """Keep the set."""
        self.sets.append(orjson.loads(batch.entries[0].json)["data"]["user_ids"])


class Room:
    """A feed with one live subscription, and the typing of its process."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.published: list[dict[str, Any]] = []
        feeds = FeedRegistry(on_evicted=lambda stream: None)
        feeds[ROOM] = feed = Feed(ROOM, 1, 1)
        feed.go_live(Subscription(BOB, 1, self.mailbox))
        self.typing = Typing(feeds, lambda stream, message: self.published.append(message))


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_the_full_set_is_sent_when_it_changes(room: Room) -> None:
    for user, on in ((ALICE, True), (ALICE, True), (BOB, True), (ALICE, False), (ALICE, False)):
        room.typing.report(ROOM, user, on, 1)

    assert room.mailbox.sets == [[ALICE], [ALICE, BOB], [BOB]]


async def test_every_report_is_published_to_the_other_processes(room: Room) -> None:
    room.typing.report(ROOM, ALICE, True, 1)
    room.typing.receive({"type": "typing", "stream": ROOM, "user": BOB, "on": True, "min": 1})

    assert room.published == [{"type": "typing", "stream": ROOM, "user": ALICE, "on": True, "min": 1}]
    assert room.mailbox.sets == [[ALICE], [ALICE, BOB]]


async def test_a_set_is_sent_again_while_typing_goes_on_and_a_silent_user_is_dropped(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ephemeral, "TYPING_RESEND_MS", 40)
    monkeypatch.setattr(ephemeral, "TYPING_EXPIRE_MS", 120)

    for _ in range(5):
        room.typing.report(ROOM, ALICE, True, 1)
        room.typing.tick()
        await asyncio.sleep(0.05)
    while room.mailbox.sets[-1]:
        await asyncio.sleep(0.01)
        room.typing.tick()

    assert room.mailbox.sets.count([ALICE]) >= 2
    assert room.mailbox.sets[-1] == []
