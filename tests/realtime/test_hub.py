"""The hub between a log and sockets, on the simulation's loop; most cases were found by the simulation."""

import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from realtime.authorization import StreamAccess
from realtime.ephemeral import TICK_SECONDS
from realtime.feed_registry import IDLE_SECONDS
from realtime.handles import SubscriptionHandle
from realtime.hub import Hub
from realtime.log_entry import EventBatch, LogEntry
from realtime.replay_plan import plan_replay
from tests.sim.history import Past, Row
from tests.sim.log import FakeLog
from tests.sim.loop import VirtualLoop

ALICE, ROOM = UUID(int=1), UUID(int=2)
STREAM = str(ROOM)


class Mailbox:
    """A subscriber that is never full and keeps all events."""

    is_full = False

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def wait_writable(self) -> None:
        """Never full."""

    def send_events(self, batch: EventBatch) -> None:
        """Keep the events."""
        self.events += orjson.loads(batch.frame["text"])["data"]

    @property
    def received(self) -> list[Any]:
        """The seqs, and the names of the notices, in order."""
        return [event["seq"] or event["type"] for event in self.events]


class Stage:
    """A loop, a log with a room in which Alice is, and a hub."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.log = FakeLog(random.Random(1), loop.time, {STREAM}, set())
        self.write("room.created", {"members": [{"user_id": str(ALICE)}]}, {str(ALICE): True})
        self.hub = Hub(self.log)
        self.mailbox = Mailbox()

    def write(self, kind: str, data: dict[str, Any], membership_changes: dict[str, bool] | None = None) -> Row:
        seq = self.log.head(STREAM) + 1
        event = {
            "type": kind,
            "room_id": STREAM,
            "seq": seq,
            "at": "2026-01-01T00:00:00.000Z",
            "actor_id": None,
            "data": data,
        }
        row = Row(seq, kind, orjson.dumps(event), self.loop.now, membership_changes or {})
        self.log.append(row, STREAM)
        return row

    def add_message(self, text: str = "hi") -> Row:
        return self.write("message.created", {"id": "m", "text": text})

    def hint(self, row: Row, epoch: int = 1) -> None:
        self.hub.receive({"type": "hint", "from": "p2", "stream": STREAM, "epoch": epoch, "json": [row.json]})

    def prepare(self, after: int | None = 0, epoch: int | None = 1) -> SubscriptionHandle:
        """A subscription of Alice that is authorized now and not started."""
        access = StreamAccess(self.log.head(STREAM), self.log.past.epoch)
        return self.hub.prepare(ALICE, ROOM, access, plan_replay(access, after, epoch), self.mailbox)

    def start(self, after: int | None = 0) -> SubscriptionHandle:
        handle = self.prepare(after)
        self.hub.start(handle)
        self.loop.run_for(0.1)
        return handle

    def restore(self, head: int) -> None:
        """A backup that ends at this head."""
        rows = [row.copied(head) for row in self.log.past.rows[STREAM][:head]]
        self.log.past = Past(self.log.past.epoch + 1, self.loop.now, {STREAM: rows})

    def sweep(self) -> None:
        self.hub.spawn(self.hub.sweep.run())
        self.loop.run_for(0.1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    loop = VirtualLoop()
    with loop.running():
        yield Stage(loop)
        loop.end()


def test_it_works(stage: Stage) -> None:
    stage.start()

    stage.hint(stage.add_message())

    assert stage.mailbox.received == [1, "room.synced", 2]


def test_a_hint_without_events_makes_the_hub_read_the_log(stage: Stage) -> None:
    stage.start()
    for text in ("one", "two"):
        stage.add_message(text)

    stage.hub.receive({"type": "hint", "from": "p2", "stream": STREAM, "epoch": 1, "json": [], "head": 3})
    stage.loop.run_for(0.1)

    assert stage.mailbox.received == [1, "room.synced", 2, 3]


def test_hints_without_events_that_come_during_a_reading_are_not_forgotten(stage: Stage) -> None:
    stage.start()

    for head in range(2, 12):
        stage.add_message()
        stage.hub.receive({"type": "hint", "from": "p2", "stream": STREAM, "epoch": 1, "json": [], "head": head})
        stage.loop.run_for(0.001)
    stage.loop.run_for(0.2)

    assert stage.mailbox.received == [1, "room.synced", *range(2, 12)]


def test_the_sweep_repairs_a_lost_hint(stage: Stage) -> None:
    stage.start()
    stage.add_message()

    stage.sweep()

    assert stage.mailbox.received == [1, "room.synced", 2]


def test_heads_that_arrive_after_the_sweep_gave_up_are_used(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.start()
    stage.add_message()
    monkeypatch.setattr("realtime.sweep.UNREACHABLE_SECONDS", 0.0001)  # a journey to the log takes longer

    sweep = stage.hub.spawn(stage.hub.sweep.run())
    stage.loop.run_for(0.1)

    assert sweep.exception() is None
    assert stage.mailbox.received == [1, "room.synced", 2]


def test_events_before_the_group_was_joined_are_repaired_at_once(stage: Stage) -> None:
    stage.start()
    stage.add_message()

    stage.hub.sweep.compare_soon("a stream that has gone")
    stage.hub.sweep.compare_soon(STREAM)
    stage.loop.run_for(0.1)

    assert stage.mailbox.received == [1, "room.synced", 2]


def test_a_gap_is_repaired_without_a_sweep(stage: Stage) -> None:
    stage.start()
    stage.add_message()

    stage.hint(stage.add_message())
    stage.loop.run_for(0.1)

    assert stage.mailbox.received == [1, "room.synced", 2, 3]


def test_a_restore_sends_room_reset(stage: Stage) -> None:
    subscription = stage.start().subscription
    stage.hint(stage.add_message())

    stage.restore(1)
    stage.sweep()

    assert stage.mailbox.received[-1] == "room.reset"
    assert stage.mailbox.events[-1]["data"] == {"head": 1, "epoch": 2}
    assert subscription.live


def test_a_replay_interrupted_by_a_restore_still_ends_with_room_synced(stage: Stage) -> None:
    """The replay before the restore and the one after it once overlapped, and room.synced was never sent."""
    stage.add_message()
    handle = stage.prepare()
    stage.hub.start(handle)
    stage.restore(1)

    stage.sweep()

    assert stage.mailbox.received[-2:] == ["room.reset", "room.synced"]


def test_an_authorization_newer_than_the_feed_resets_the_feed(stage: Stage) -> None:
    """Else the ring of the old epoch is replayed to a client of the new one."""
    stage.start()
    stage.hint(stage.add_message("of the old past"))
    stage.restore(1)
    stage.add_message("of the new past")
    stage.mailbox = Mailbox()

    stage.start(after=1)

    assert stage.mailbox.received == ["room.synced"]  # of another epoch: from the head on
    assert stage.hub.feeds[STREAM].epoch == 2


def test_an_authorization_older_than_the_feed_is_read_again(stage: Stage) -> None:
    """It was read before the restore and begins after it."""
    stage.hint(stage.add_message())
    handle = stage.prepare(after=2)
    stage.restore(1)
    stage.sweep()

    stage.hub.start(handle)
    stage.loop.run_for(0.1)
    stage.add_message()
    stage.sweep()

    assert stage.mailbox.received == ["room.reset", "room.synced", 2]


def test_a_hint_of_an_older_epoch_is_ignored(stage: Stage) -> None:
    stage.start()
    of_the_old_past = stage.add_message()
    stage.restore(1)
    stage.sweep()

    stage.hint(of_the_old_past, epoch=1)

    assert 2 not in stage.mailbox.received


def test_a_page_read_before_a_restore_is_discarded(stage: Stage) -> None:
    feed = stage.start().feed
    stage.add_message("of the old past")
    page = [LogEntry.parse(row.json) for row in stage.log.past.rows[STREAM][1:]]

    async def late(stream: str, after: int) -> list[LogEntry]:
        stage.restore(1)
        stage.hub.reset(feed, 2, 1)
        return page

    stage.log.page = late  # type: ignore[method-assign]
    stage.hub.reader.repair_soon(feed)
    stage.loop.run_for(0.1)

    assert feed.tail == 1
    assert 2 not in stage.mailbox.received


def test_a_user_who_is_no_member_after_a_restore_is_reset_and_stopped(stage: Stage) -> None:
    stage.write("member.removed", {"user": {"id": str(ALICE)}}, {str(ALICE): False})
    added = stage.write("member.joined", {"user": {"id": str(ALICE)}}, {str(ALICE): True})
    subscription = stage.start(after=added.seq).subscription

    stage.restore(2)
    stage.sweep()

    assert stage.mailbox.events[-1]["data"] == {"head": 0, "epoch": 2}
    assert subscription.ended


def test_a_second_subscribe_during_a_replay_is_synced_at_its_end(stage: Stage) -> None:
    """A lagging subscription is not live, and its room.synced was once never sent."""
    handle = stage.prepare()
    stage.hub.start(handle)
    stage.loop.run_for(0.1)
    handle.feed.live.clear()
    handle.subscription.live = False

    stage.hub.push_synced(handle)
    stage.hub.spawn(stage.hub.replay(handle.feed, handle.subscription))
    stage.loop.run_for(0.1)

    assert stage.mailbox.received == [1, "room.synced", "room.synced"]


def test_a_subscribe_reply_excludes_the_events_of_a_pause(stage: Stage) -> None:
    """A device that loses its connection after such a reply would never receive these events."""
    subscription = stage.start().subscription
    stage.hint(stage.write("member.removed", {"user": {"id": str(ALICE)}}, {str(ALICE): False}))
    stage.hint(stage.add_message())
    stage.write("member.joined", {"user": {"id": str(ALICE)}}, {str(ALICE): True})  # its hint is late

    reply = stage.prepare(after=2).reply(subscription)

    assert (reply["after"], reply["head"]) == (2, 4)


def test_a_subscribe_reply_before_the_reset_has_the_old_epoch(stage: Stage) -> None:
    """With the new epoch, a device that loses its connection now would continue there with its old cursor."""
    stage.add_message()
    subscription = stage.start().subscription
    stage.restore(1)

    reply = stage.prepare(after=2).reply(subscription)

    assert (reply["epoch"], reply["after"]) == (1, 2)


def test_a_second_stop_does_not_evict_a_newer_feed(stage: Stage) -> None:
    """A removed member's socket that closed after its feed was evicted once evicted the next feed of the room too."""
    stopped = stage.start()
    stage.hub.stop(stopped)
    stage.hub.feeds.evict(STREAM)
    stage.start()

    stage.hub.stop(stopped)
    stage.loop.run_for(IDLE_SECONDS + 1)
    stage.sweep()
    stage.hint(stage.add_message())

    assert stage.mailbox.received[-2:] == ["room.synced", 2]


def test_a_tick_that_fails_stops_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    ticked: list[str] = []

    def fail() -> None:
        ticked.append("typing")
        raise RuntimeError("planted")

    monkeypatch.setattr(stage.hub.typing, "tick", fail)
    monkeypatch.setattr(stage.hub.read_markers, "tick", lambda: ticked.append("read markers"))

    stage.hub.spawn(stage.hub._tick_forever())
    stage.loop.run_for(2.1 * TICK_SECONDS)

    assert ticked == 2 * ["typing", "read markers"]
