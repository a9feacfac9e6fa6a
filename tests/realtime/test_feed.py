"""The feed alone: hints and pages in, events out, without a loop and without a clock."""

from collections.abc import Sequence

import orjson
import pytest

from api.seq_ranges import FOR_EVER, SeqRange
from realtime import feed as feed_module
from realtime.feed import EventBatch, Feed, LogEntry, Subscription

ALICE, BOB = "alice", "bob"


class Mailbox:
    """A sink that keeps what it is given; `full` is for the test to say."""

    def __init__(self) -> None:
        self.full = False
        self.events: list[dict[str, object]] = []

    async def room(self) -> None:
        """There is room when the test says so."""

    def give(self, run: EventBatch) -> None:
        """Keep what a client would read."""
        self.events += orjson.loads(run.frame["text"])["data"]

    @property
    def seqs(self) -> list[object]:
        """What has come, in order."""
        return [event["seq"] for event in self.events]


def said(seq: int, text: str = "hi", message_id: str | None = None) -> LogEntry:
    return entry(seq, "message.created", {"id": message_id or f"m{seq}", "text": text})


def deleted(seq: int, message_id: str) -> LogEntry:
    return entry(seq, "message.deleted", {"id": message_id, "text": None})


def erased(seq: int, user: str) -> LogEntry:
    return entry(seq, "user.erased", {"user": {"id": user}})


def joined(seq: int, user: str) -> LogEntry:
    return entry(seq, "member.joined", {"user": {"id": user}})


def removed(seq: int, user: str) -> LogEntry:
    return entry(seq, "member.removed", {"user": {"id": user}})


def entry(seq: int, kind: str, data: dict[str, object]) -> LogEntry:
    event = {"type": kind, "room_id": "r", "seq": seq, "at": "", "actor_id": None, "data": data}
    return LogEntry.parse(orjson.dumps(event))


def listen(
    feed: Feed, cursor: int = 0, user: str = ALICE, stays: Sequence[SeqRange] | None = None, floor: int = 0
) -> tuple[Subscription, Mailbox]:
    """A subscription that has begun."""
    mailbox = Mailbox()
    subscription = Subscription(user, cursor, mailbox, floor=floor, stays=stays)
    feed.add(subscription)
    feed.advance(subscription)
    return subscription, mailbox


@pytest.fixture
def feed() -> Feed:
    return Feed("r", 1, 0)


class TestHints:
    def test_it_works(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        is_behind = feed.offer([said(1)])

        assert not is_behind
        assert mailbox.seqs == [1]

    def test_a_hint_that_comes_twice_is_heard_once(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([said(1)])
        feed.offer([said(1)])

        assert mailbox.seqs == [1]

    def test_hints_in_the_wrong_order_are_heard_in_the_right_one(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        assert feed.offer([said(3), said(2)])  # a hole, that a repair must fill
        assert mailbox.seqs == []
        assert not feed.offer([said(1)])

        assert mailbox.seqs == [1, 2, 3]

    def test_a_page_fills_a_hole(self, feed: Feed) -> None:
        _, mailbox = listen(feed)
        feed.offer([said(3)])

        feed.extend([said(1), said(2)])

        assert mailbox.seqs == [1, 2, 3]
        assert not feed.hole

    def test_a_page_that_begins_later_is_not_taken(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.extend([said(2), said(3)])

        assert feed.tail == 0
        assert mailbox.seqs == []

    def test_too_many_early_hints_are_left_to_the_repair(self, feed: Feed) -> None:
        feed.offer([said(seq) for seq in range(2, 200)])

        assert len(feed.pending) == feed_module.PENDING_EVENTS

    def test_the_next_event_is_taken_however_many_wait(self, feed: Feed) -> None:
        feed.offer([said(seq) for seq in range(2, 200)])

        feed.offer([said(1)])

        assert feed.tail == 1 + feed_module.PENDING_EVENTS


class TestCatchingUp:
    def test_a_ring_that_reaches_back_is_enough(self, feed: Feed) -> None:
        feed.offer([said(1), said(2), said(3)])

        subscription, mailbox = listen(feed, cursor=1)

        assert subscription.live
        assert mailbox.seqs == [2, 3]

    def test_a_ring_that_does_not_needs_a_page_first(self) -> None:
        feed = Feed("r", 1, 10)
        feed.offer([said(11)])

        subscription, mailbox = listen(feed, cursor=8)
        assert not subscription.live
        subscription.take([said(9), said(10)])
        assert feed.advance(subscription)

        assert mailbox.seqs == [9, 10, 11]

    def test_what_comes_meanwhile_is_not_heard_twice(self) -> None:
        feed = Feed("r", 1, 2)
        subscription, mailbox = listen(feed, cursor=0)

        feed.offer([said(3)])
        subscription.take([said(1), said(2), said(3)])  # the page saw it, too
        feed.advance(subscription)

        assert mailbox.seqs == [1, 2, 3]

    def test_a_cursor_ahead_of_the_tail_skips_what_it_has(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed, cursor=2)

        feed.offer([said(1), said(2), said(3)])

        assert subscription.live
        assert mailbox.seqs == [3]

    def test_who_does_not_read_leaves_live_mode_and_misses_nothing(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)
        mailbox.full = True
        feed.offer([said(1), said(2)])
        assert feed.fallen == [subscription]

        mailbox.full = False
        feed.advance(subscription)

        assert mailbox.seqs == [1, 2]

    def test_after_a_discard_nothing_comes(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)

        feed.discard(subscription)
        feed.offer([said(1)])

        assert subscription.ended
        assert mailbox.seqs == []


class TestMembership:
    def test_it_ends_with_the_own_removal(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)

        feed.offer([said(1), removed(2, ALICE), said(3)])

        assert mailbox.seqs == [1, 2]
        assert subscription in feed.silent

    def test_the_removal_of_somebody_else_ends_nothing(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([removed(1, BOB), said(2)])

        assert mailbox.seqs == [1, 2]

    def test_removed_and_added_again_at_once(self, feed: Feed) -> None:
        """The bug that every chat has once: a subscription that is ended on leave never hears of the re-add."""
        _, mailbox = listen(feed, stays=[(1, FOR_EVER)])

        feed.offer([removed(1, ALICE), said(2), joined(3, ALICE), said(4)])

        assert mailbox.seqs == [1, 3, 4]

    def test_in_a_shared_room_a_re_join_goes_back_to_the_leave(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)

        feed.offer([removed(1, ALICE), said(2), joined(3, ALICE), said(4)])
        assert feed.fallen == [subscription]
        feed.advance(subscription)

        assert mailbox.seqs == [1, 2, 3, 4]

    def test_what_it_slept_through_was_not_told(self, feed: Feed) -> None:
        """A device that took the cursor for received would never get the events between leave and re-join."""
        subscription, _ = listen(feed)

        feed.offer([said(1), removed(2, ALICE), said(3)])

        assert (subscription.cursor, subscription.told) == (3, 2)

    def test_below_the_floor_the_stays_decide(self) -> None:
        feed = Feed("r", 1, 6)
        subscription, mailbox = listen(feed, stays=[(2, 3), (6, FOR_EVER)], floor=6)

        subscription.take([said(1), joined(2, ALICE), removed(3, ALICE), said(4), said(5), joined(6, ALICE)])
        feed.advance(subscription)
        feed.offer([said(7)])

        assert mailbox.seqs == [2, 3, 6, 7]

    def test_below_the_floor_of_a_shared_room_toggles_nothing(self) -> None:
        feed = Feed("r", 1, 3)
        subscription, mailbox = listen(feed, floor=3)

        subscription.take([removed(1, ALICE), said(2), joined(3, ALICE)])

        assert mailbox.seqs == [1, 2, 3]

    def test_who_wakes_and_does_not_read_is_no_longer_silent(self, feed: Feed) -> None:
        """Else it would be ended as silent while it waits for room."""
        subscription, mailbox = listen(feed)
        feed.offer([removed(1, ALICE)])

        mailbox.full = True
        feed.offer([joined(2, ALICE)])

        assert subscription not in feed.silent


class TestDeletions:
    def test_the_ring_forgets_what_was_said(self, feed: Feed) -> None:
        feed.offer([said(1, "a secret", "m"), said(2), deleted(3, "m")])

        _, mailbox = listen(feed)

        assert "a secret" not in str(mailbox.events)
        assert mailbox.seqs == [1, 2, 3]

    def test_so_does_what_came_together_with_the_deletion(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([entry(2, "message.edited", {"id": "m", "text": "a secret"}), deleted(3, "m"), said(1, "hi", "m")])

        assert "a secret" not in str(mailbox.events)

    def test_the_bytes_of_the_ring_stay_true(self, feed: Feed) -> None:
        feed.offer([said(1, "x" * 500, "m"), deleted(2, "m")])

        assert feed.ring_bytes == sum(len(entry.json) for entry in feed.ring)


class TestErasures:
    def test_the_ring_forgets_what_was_before(self, feed: Feed) -> None:
        feed.offer([said(1), said(2), erased(3, BOB), said(4)])

        subscription, mailbox = listen(feed)
        _, late = listen(feed, cursor=2)

        assert (subscription.live, mailbox.events) == (False, [])  # it reads the log
        assert late.seqs == [3, 4]
        assert feed.ring_bytes == sum(len(entry.json) for entry in feed.ring)

    def test_live_listeners_hear_all_of_it(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([said(1), erased(2, BOB), said(3)])

        assert mailbox.seqs == [1, 2, 3]

    def test_the_ring_of_an_inbox_keeps_nobodys_name(self, feed: Feed) -> None:
        _, mailbox = listen(feed)
        feed.offer([entry(1, "read.updated", {}), entry(2, "room.added", {"peer": {"id": BOB}})])
        feed.offer([entry(3, "read.updated", {})])

        assert mailbox.seqs == [1, 2, 3]
        assert [each.seq for each in feed.ring] == [3]
        assert not listen(feed, cursor=1)[0].live
        assert listen(feed, cursor=2)[1].seqs == [3]


class TestEphemeral:
    def test_members_who_are_up_to_date_hear_it(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.tell(EventBatch([LogEntry(0, "typing", b'{"seq":null}')]), 0)

        assert mailbox.seqs == [None]

    def test_it_waits_for_nobody_who_was_removed_before(self, feed: Feed) -> None:
        """The process does not know of the removal yet, but it knows that it does not know."""
        _, mailbox = listen(feed)

        feed.tell(EventBatch([LogEntry(0, "typing", b'{"seq":null}')]), 1)

        assert mailbox.seqs == []

    def test_who_is_out_hears_nothing(self, feed: Feed) -> None:
        _, mailbox = listen(feed)
        feed.offer([removed(1, ALICE)])

        feed.tell(EventBatch([LogEntry(0, "typing", b'{"seq":null}')]), 1)

        assert mailbox.seqs == [1]


class TestRestores:
    def test_nobody_is_live_until_admitted_anew(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)
        feed.offer([said(1), said(2)])

        feed.reset(2, 1)
        feed.offer([said(2, "another past")])

        assert not subscription.live
        assert mailbox.seqs == [1, 2]

    def test_the_waiting_hints_of_the_old_past_are_forgotten(self, feed: Feed) -> None:
        feed.offer([said(3)])

        feed.reset(2, 2)

        assert not feed.hole
        assert feed.tail == 2


class TestFrames:
    def test_two_sockets_share_one_frame(self) -> None:
        run = EventBatch([said(1)])

        assert run.frame is run.frame
        assert run.join(following := EventBatch([said(2)])) is run.join(following)

    def test_long_events_travel_in_several(self, feed: Feed) -> None:
        events = [said(seq, "x" * 30_000) for seq in range(1, 21)]

        frames = list(feed_module.runs(events))

        assert len(frames) == 4
        assert all(run.size < 256 * 1024 for run in frames)

    def test_the_ring_is_bounded_in_bytes(self, feed: Feed) -> None:
        feed.offer([said(seq, "x" * 30_000) for seq in range(1, 21)])

        assert feed.ring_bytes <= feed_module.RING_BYTES
        assert feed.ring[-1].seq == 20
