"""The hub between a log and sockets, on the simulation's loop; most of it is what the simulation found."""

import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from realtime.authorization import StreamAccess
from realtime.feed import EventBatch, Feed, LogEntry, Subscription
from realtime.hub import Hub, Opened, reply_of
from realtime.sweep import LINGER_SECONDS
from tests.sim.history import Past, Row
from tests.sim.log import FakeLog
from tests.sim.loop import VirtualLoop

ALICE, ROOM = UUID(int=1), UUID(int=2)
STREAM = str(ROOM)


class Mailbox:
    """A sink that is never full and keeps what a client would read."""

    full = False

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def room(self) -> None:
        """There is always room."""

    def give(self, run: EventBatch) -> None:
        """Keep it."""
        self.events += orjson.loads(run.frame["text"])["data"]

    @property
    def heard(self) -> list[Any]:
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

    def write(self, kind: str, data: dict[str, Any], toggles: dict[str, bool] | None = None) -> Row:
        seq = self.log.head(STREAM) + 1
        event = {"type": kind, "room_id": STREAM, "seq": seq, "at": "", "actor_id": None, "data": data}
        row = Row(seq, kind, orjson.dumps(event), self.loop.now, toggles or {})
        self.log.append(row, STREAM)
        return row

    def say(self, text: str = "hi") -> Row:
        return self.write("message.created", {"id": "m", "text": text})

    def hint(self, row: Row, epoch: int = 1) -> None:
        self.hub.receive({"type": "hint", "from": "p2", "stream": STREAM, "epoch": epoch, "json": [row.json]})

    def open(self, after: int | None = 0, epoch: int | None = 1) -> Opened:
        """The subscription of Alice, admitted now and not begun."""
        admission = StreamAccess(self.log.head(STREAM), self.log.past.epoch)
        return self.hub.admitted(ALICE, ROOM, admission, after, epoch, self.mailbox)

    def begin(self, after: int | None = 0) -> tuple[Feed, Subscription]:
        opened = self.open(after)
        self.hub.begin(opened)
        self.loop.run_for(0.1)
        return opened.feed, opened.subscription

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
    stage.begin()

    stage.hint(stage.say())

    assert stage.mailbox.heard == [1, "room.synced", 2]


def test_a_hint_that_is_lost_is_found_by_the_sweep(stage: Stage) -> None:
    stage.begin()
    stage.say()

    stage.sweep()

    assert stage.mailbox.heard == [1, "room.synced", 2]


def test_a_sweep_that_is_answered_just_after_it_gave_up_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.begin()
    stage.say()
    monkeypatch.setattr("realtime.sweep.BLIND_SECONDS", 0.0001)  # a journey to the log takes longer

    sweep = stage.hub.spawn(stage.hub.sweep.run())
    stage.loop.run_for(0.1)

    assert sweep.exception() is None
    assert stage.mailbox.heard == [1, "room.synced", 2]


def test_what_was_said_before_its_stream_was_joined_is_found_at_once(stage: Stage) -> None:
    stage.begin()
    stage.say()

    stage.hub.sweep.look_soon("a stream that has gone")
    stage.hub.sweep.look_soon(STREAM)
    stage.loop.run_for(0.1)

    assert stage.mailbox.heard == [1, "room.synced", 2]


def test_a_hole_is_repaired_without_a_sweep(stage: Stage) -> None:
    stage.begin()
    stage.say()

    stage.hint(stage.say())
    stage.loop.run_for(0.1)

    assert stage.mailbox.heard == [1, "room.synced", 2, 3]


def test_a_restore_is_told(stage: Stage) -> None:
    _, subscription = stage.begin()
    stage.hint(stage.say())

    stage.restore(1)
    stage.sweep()

    assert stage.mailbox.heard[-1] == "room.reset"
    assert stage.mailbox.events[-1]["data"] == {"head": 1, "epoch": 2}
    assert subscription.live


def test_a_restore_in_the_middle_of_a_replay_does_not_cost_its_end(stage: Stage) -> None:
    """The catch-up that was under way and the one after the restore used to meet, and nobody said room.synced."""
    stage.say()
    opened = stage.open()
    stage.hub.begin(opened)
    stage.restore(1)

    stage.sweep()

    assert stage.mailbox.heard[-2:] == ["room.reset", "room.synced"]


def test_an_admission_that_is_newer_than_the_feed_resets_it(stage: Stage) -> None:
    """Else the ring of the old past is replayed to who was told the new epoch."""
    stage.begin()
    stage.hint(stage.say("of the old past"))
    stage.restore(1)
    stage.say("of the new past")
    stage.mailbox = Mailbox()

    stage.begin(after=1)

    assert stage.mailbox.heard == ["room.synced"]  # of another epoch: from the head on
    assert stage.hub.feeds[STREAM].epoch == 2


def test_an_admission_that_is_older_than_the_feed_is_read_again(stage: Stage) -> None:
    """It was read before the restore and begins after it."""
    stage.hint(stage.say())
    opened = stage.open(after=2)
    stage.restore(1)
    stage.sweep()

    stage.hub.begin(opened)
    stage.loop.run_for(0.1)
    stage.say()
    stage.sweep()

    assert stage.mailbox.heard == ["room.reset", "room.synced", 2]


def test_a_hint_of_the_past_is_not_taken_for_the_next_event(stage: Stage) -> None:
    stage.begin()
    of_the_old_past = stage.say()
    stage.restore(1)
    stage.sweep()

    stage.hint(of_the_old_past, epoch=1)

    assert 2 not in stage.mailbox.heard


def test_a_page_of_the_past_is_not_appended_to_the_new_one(stage: Stage) -> None:
    feed, _ = stage.begin()
    stage.say("of the old past")
    page = [LogEntry.parse(row.json) for row in stage.log.past.rows[STREAM][1:]]

    async def late(stream: str, after: int) -> list[LogEntry]:
        stage.restore(1)
        stage.hub.sweep.reset(feed, 2, 1)
        return page

    stage.log.page = late  # type: ignore[method-assign]
    stage.hub.repair_soon(feed)
    stage.loop.run_for(0.1)

    assert feed.tail == 1
    assert 2 not in stage.mailbox.heard


def test_who_is_out_after_a_restore_is_told_so(stage: Stage) -> None:
    stage.write("member.removed", {"user": {"id": str(ALICE)}}, {str(ALICE): False})
    added = stage.write("member.joined", {"user": {"id": str(ALICE)}}, {str(ALICE): True})
    _, subscription = stage.begin(after=added.seq)

    stage.restore(2)
    stage.sweep()

    assert stage.mailbox.events[-1]["data"] == {"head": 0, "epoch": 2}
    assert subscription.ended


def test_a_second_subscribe_in_a_replay_ends_with_it(stage: Stage) -> None:
    """While a subscription lags it is not live, and its room.synced was once forgotten."""
    opened = stage.open()
    stage.hub.begin(opened)
    stage.loop.run_for(0.1)
    opened.feed.live.clear()
    opened.subscription.live = False

    stage.hub.go_on(opened.feed, opened.subscription)
    stage.hub.spawn(stage.hub.catch_up(opened.feed, opened.subscription))
    stage.loop.run_for(0.1)

    assert stage.mailbox.heard == [1, "room.synced", "room.synced"]


def test_a_reply_does_not_call_received_what_was_slept_through(stage: Stage) -> None:
    """A device that is cut after such a reply would never ask for it again."""
    _, subscription = stage.begin()
    stage.hint(stage.write("member.removed", {"user": {"id": str(ALICE)}}, {str(ALICE): False}))
    stage.hint(stage.say())
    stage.write("member.joined", {"user": {"id": str(ALICE)}}, {str(ALICE): True})  # its hint is late

    reply = reply_of(subscription, stage.open(after=2))

    assert (reply["after"], reply["head"]) == (2, 4)


def test_a_reply_before_the_reset_is_of_the_past(stage: Stage) -> None:
    """Were it of the new epoch, a device that is cut now would go on there with its old cursor."""
    stage.say()
    _, subscription = stage.begin()
    stage.restore(1)

    reply = reply_of(subscription, stage.open(after=2))

    assert (reply["epoch"], reply["after"]) == (1, 2)


def test_an_end_that_is_said_again_later_forgets_nobody(stage: Stage) -> None:
    """A removed member's socket that closed after its feed was forgotten took the next feed of the room with it."""
    forgotten, subscription = stage.begin()
    stage.hub.end(forgotten, subscription)
    stage.hub.forget(STREAM)
    stage.begin()

    stage.hub.end(forgotten, subscription)
    stage.loop.run_for(LINGER_SECONDS + 1)
    stage.sweep()
    stage.hint(stage.say())

    assert stage.mailbox.heard[-2:] == ["room.synced", 2]
