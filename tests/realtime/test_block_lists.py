"""The sets of blocked users of a process, and the stubs that feeds deliver by them. Without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.db import OperationalError

from api.services.blocks import BlockState
from eventlog.models import Event
from realtime import blocks
from realtime.blocks import Blocked, BlockLists
from realtime.feed import Feed
from realtime.log_entry import EventBatch, LogEntry
from realtime.seal import Message
from realtime.subscription import Subscription

ALICE, BOB, EVE = (str(uuid4()) for _ in range(3))
ROOM = str(uuid4())


def message(seq: int, sender: str = BOB, kind: str = "message.created") -> LogEntry:
    data = {"id": str(uuid4()), "room_id": ROOM, "seq": seq, "version": seq, "sender": {"id": sender}, "text": "words"}
    event = {"type": kind, "room_id": ROOM, "seq": seq, "at": "", "actor_id": sender, "data": data | {"blocked": False}}
    return LogEntry.parse(orjson.dumps(event))


def changed(seq: int, kind: str, user_id: str = BOB) -> LogEntry:
    event = {"type": kind, "room_id": None, "seq": seq, "at": "", "actor_id": ALICE, "data": {"user_id": user_id}}
    return LogEntry.parse(orjson.dumps(event))


class Queue:
    """A send queue that keeps the batches."""

    is_full = False

    def __init__(self) -> None:
        self.batches: list[EventBatch] = []

    async def wait_writable(self) -> None:
        """Never full."""

    def send_events(self, batch: EventBatch) -> None:
        """Keep the batch."""
        self.batches.append(batch)

    @property
    def texts(self) -> list[str | None]:
        return [orjson.loads(entry.json)["data"]["text"] for batch in self.batches for entry in batch.entries]


def subscribe(feed: Feed, user_id: str, blocked: Blocked | None = None, cursor: int = 0) -> Queue:
    queue = Queue()
    subscription = Subscription(user_id, cursor, queue, blocked=blocked)
    feed.add(subscription)
    assert feed.go_live(subscription)
    return queue


def blocking(*ids: str) -> Blocked:
    blocked = Blocked()
    blocked.load(BlockState(1, 1, frozenset(ids)))
    return blocked


def test_only_the_blocker_gets_a_stub_and_the_others_share_a_frame() -> None:
    feed = Feed(ROOM, 1, 0)
    blocker, second = subscribe(feed, ALICE, blocking(BOB)), subscribe(feed, str(uuid4()), blocking(BOB, EVE))
    plain, other = subscribe(feed, str(uuid4())), subscribe(feed, str(uuid4()), blocking(EVE))

    feed.offer([message(1), message(2, ALICE)])

    assert blocker.texts == second.texts == [None, "words"]
    assert plain.texts == other.texts == ["words", "words"]
    assert plain.batches[0] is other.batches[0]
    assert blocker.batches[0] is second.batches[0]


@pytest.mark.parametrize("kind", ["message.created", "message.edited", "message.deleted"])
def test_a_replay_of_the_ring_has_stubs(kind: str) -> None:
    feed = Feed(ROOM, 1, 0)
    feed.offer([message(1, kind=kind), message(2, ALICE)])

    assert subscribe(feed, ALICE, blocking(BOB)).texts == [None, "words"]
    assert subscribe(feed, EVE).texts == ["words", "words"]


def test_a_deletion_renews_the_stub() -> None:
    entry, deletion = message(1), message(2, kind="message.deleted")
    assert b'"seq":1,"version":1' in entry.stub().json

    entry.retract(deletion)

    assert b'"seq":2,"version":2' in entry.stub().json


def test_partial_events_are_for_everybody() -> None:
    feed = Feed(ROOM, 1, 0)
    blocker = subscribe(feed, ALICE, blocking(BOB))
    data = {"id": str(uuid4()), "sender": {"id": BOB}, "text": "no text of a message"}
    event = {"type": "reaction.changed", "room_id": ROOM, "seq": 1, "at": "", "actor_id": BOB, "data": data}

    feed.offer([LogEntry.parse(orjson.dumps(event))])

    assert blocker.texts == ["no text of a message"]


def test_a_block_in_the_inbox_holds_before_it_is_delivered() -> None:
    blocked = Blocked()
    inbox, room = Feed(ALICE, 1, 0), Feed(ROOM, 1, 0)
    subscribe(inbox, ALICE, blocked)
    messages = subscribe(room, ALICE, blocked)

    for seq, entry in enumerate((changed(1, "block.added"), changed(2, "block.removed")), 1):
        inbox.offer([entry])
        room.offer([message(seq)])

    assert messages.texts == [None, "words"]


def test_an_older_state_does_not_undo_a_change() -> None:
    blocked = blocking(EVE)

    blocked.change(BOB, 3, is_blocked=True)
    blocked.load(BlockState(1, 2, frozenset({EVE})))

    assert blocked == {BOB, EVE}
    blocked.load(BlockState(1, 3, frozenset({BOB})))
    assert blocked == {BOB}
    blocked.change(BOB, 3, is_blocked=False)  # of the loaded state or before
    assert blocked == {BOB}


def test_a_restored_database_counts_whatever_its_seqs_are() -> None:
    blocked = blocking(BOB)
    blocked.change(EVE, 9, is_blocked=True)

    blocked.load(BlockState(2, 1, frozenset()))

    assert blocked == set()


class Lists:
    """The lists of a process, over a database that may fail."""

    def __init__(self, *answers: BlockState | Exception) -> None:
        self.answers, self.announced = list(answers), list[Message]()
        self.tasks: list[asyncio.Task[None]] = []
        self.lists = BlockLists(self.load, spawn=self.spawn, announce=self.announced.append)

    async def load(self, user_id: UUID) -> BlockState:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]


async def test_a_change_here_holds_at_once_and_is_announced() -> None:
    here = Lists(BlockState(1, 5, frozenset({BOB, EVE})))
    blocked = here.lists.of(ALICE, None)
    event = Event(stream=UUID(ALICE), seq=5, type="block.added", data=orjson.dumps({"user_id": BOB}).decode())

    here.lists.commit(event)

    assert blocked == {BOB}
    assert here.announced == [{"type": "blocks", "user": ALICE, "seq": 5}]
    await asyncio.gather(*here.tasks)
    assert blocked == {BOB, EVE}  # with the change whose announcement was lost


async def test_a_change_elsewhere_is_loaded_again_until_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "RETRY_SECONDS", 0.0)
    there = Lists(OperationalError("away"), BlockState(1, 4, frozenset()), BlockState(1, 5, frozenset({BOB})))
    blocked = there.lists.of(ALICE, BlockState(1, 4, frozenset()))

    there.lists.receive({"user": ALICE, "seq": 5})
    there.lists.compare(ALICE, 5)
    await asyncio.gather(*there.tasks)

    assert (blocked, there.answers, len(there.tasks)) == ({BOB}, [], 1)


async def test_the_set_of_a_user_without_subscriptions_is_dropped() -> None:
    here = Lists()
    here.lists.of(ALICE, BlockState(1, 1, frozenset({BOB})))

    here.lists.receive({"user": ALICE, "seq": 2})

    assert here.tasks == []
    assert here.lists.of(ALICE, None) == set()
