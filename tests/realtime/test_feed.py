"""The feed alone: hints and pages in, events out, without a loop and without a clock."""

from collections.abc import Sequence

import orjson
import pytest

from api.seq_ranges import FOR_EVER, SeqRange
from realtime import feed as feed_module
from realtime import log_entry
from realtime.feed import Feed
from realtime.log_entry import EventBatch, LogEntry
from realtime.subscription import Subscription

ALICE, BOB = "alice", "bob"


class Mailbox:
    """A subscriber that keeps all events; the test sets `is_full`."""

    def __init__(self) -> None:
        self.is_full = False
        self.events: list[dict[str, object]] = []

    async def wait_writable(self) -> None:
        """Return at once."""

    def send_events(self, batch: EventBatch) -> None:
        """Keep the events."""
        self.events += orjson.loads(batch.frame["text"])["data"]

    @property
    def seqs(self) -> list[object]:
        """The seqs of the events, in order."""
        return [event["seq"] for event in self.events]


def created(seq: int, text: str = "hi", message_id: str | None = None) -> LogEntry:
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
    feed: Feed, cursor: int = 0, user: str = ALICE, ranges: Sequence[SeqRange] | None = None, head: int = 0
) -> tuple[Subscription, Mailbox]:
    """A subscription that has begun."""
    mailbox = Mailbox()
    subscription = Subscription(user, cursor, mailbox, authorized_as_of=head, visible_ranges=ranges)
    feed.add(subscription)
    feed.go_live(subscription)
    return subscription, mailbox


@pytest.fixture
def feed() -> Feed:
    return Feed("r", 1, 0)


class TestHints:
    def test_it_works(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        is_behind = feed.offer([created(1)])

        assert not is_behind
        assert mailbox.seqs == [1]

    def test_a_repeated_hint_is_delivered_once(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([created(1)])
        feed.offer([created(1)])

        assert mailbox.seqs == [1]

    def test_unordered_hints_are_delivered_in_order(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        assert feed.offer([created(3), created(2)])  # a hole, that a repair must fill
        assert mailbox.seqs == []
        assert not feed.offer([created(1)])

        assert mailbox.seqs == [1, 2, 3]

    def test_a_page_fills_a_gap(self, feed: Feed) -> None:
        _, mailbox = listen(feed)
        feed.offer([created(3)])

        feed.extend([created(1), created(2)])

        assert mailbox.seqs == [1, 2, 3]
        assert not feed.has_gap

    def test_a_page_that_starts_behind_a_gap_is_ignored(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.extend([created(2), created(3)])

        assert feed.tail == 0
        assert mailbox.seqs == []

    def test_early_hints_above_the_limit_are_dropped(self, feed: Feed) -> None:
        feed.offer([created(seq) for seq in range(2, 200)])

        assert len(feed.pending) == feed_module.PENDING_EVENTS

    def test_the_next_event_is_accepted_when_the_limit_is_reached(self, feed: Feed) -> None:
        feed.offer([created(seq) for seq in range(2, 200)])

        feed.offer([created(1)])

        assert feed.tail == 1 + feed_module.PENDING_EVENTS


class TestCatchingUp:
    def test_a_ring_that_reaches_the_cursor_is_replayed(self, feed: Feed) -> None:
        feed.offer([created(1), created(2), created(3)])

        subscription, mailbox = listen(feed, cursor=1)

        assert subscription.live
        assert mailbox.seqs == [2, 3]

    def test_a_ring_that_does_not_reach_the_cursor_needs_a_page_first(self) -> None:
        feed = Feed("r", 1, 10)
        feed.offer([created(11)])

        subscription, mailbox = listen(feed, cursor=8)
        assert not subscription.live
        subscription.deliver([created(9), created(10)])
        assert feed.go_live(subscription)

        assert mailbox.seqs == [9, 10, 11]

    def test_events_during_a_replay_are_delivered_once(self) -> None:
        feed = Feed("r", 1, 2)
        subscription, mailbox = listen(feed, cursor=0)

        feed.offer([created(3)])
        subscription.deliver([created(1), created(2), created(3)])  # the page saw it, too
        feed.go_live(subscription)

        assert mailbox.seqs == [1, 2, 3]

    def test_a_cursor_ahead_of_the_tail_skips_events_up_to_it(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed, cursor=2)

        feed.offer([created(1), created(2), created(3)])

        assert subscription.live
        assert mailbox.seqs == [3]

    def test_a_full_subscriber_leaves_live_mode_and_misses_nothing(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)
        mailbox.is_full = True
        feed.offer([created(1), created(2)])
        assert feed.lagging == [subscription]

        mailbox.is_full = False
        feed.go_live(subscription)

        assert mailbox.seqs == [1, 2]

    def test_a_discarded_subscription_receives_nothing(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)

        feed.discard(subscription)
        feed.offer([created(1)])

        assert subscription.ended
        assert mailbox.seqs == []


class TestMembership:
    def test_the_own_removal_pauses_a_subscription(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)

        feed.offer([created(1), removed(2, ALICE), created(3)])

        assert mailbox.seqs == [1, 2]
        assert subscription in feed.paused

    def test_the_removal_of_another_member_pauses_nothing(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([removed(1, BOB), created(2)])

        assert mailbox.seqs == [1, 2]

    def test_a_removal_and_a_re_add_in_one_batch_are_both_delivered(self, feed: Feed) -> None:
        """A subscription that ends with the leave would never receive the re-add."""
        _, mailbox = listen(feed, ranges=[(1, FOR_EVER)])

        feed.offer([removed(1, ALICE), created(2), joined(3, ALICE), created(4)])

        assert mailbox.seqs == [1, 3, 4]

    def test_a_re_join_of_a_shared_room_goes_back_to_the_leave(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)

        feed.offer([removed(1, ALICE), created(2), joined(3, ALICE), created(4)])
        assert feed.lagging == [subscription]
        feed.go_live(subscription)

        assert mailbox.seqs == [1, 2, 3, 4]

    def test_delivered_up_to_excludes_the_events_of_a_pause(self, feed: Feed) -> None:
        """A device that took the cursor for delivered would never get the events between leave and re-join."""
        subscription, _ = listen(feed)

        feed.offer([created(1), removed(2, ALICE), created(3)])

        assert (subscription.cursor, subscription.delivered_up_to) == (3, 2)

    def test_visible_ranges_decide_up_to_the_authorized_head(self) -> None:
        feed = Feed("r", 1, 6)
        subscription, mailbox = listen(feed, ranges=[(2, 3), (6, FOR_EVER)], head=6)

        subscription.deliver(
            [created(1), joined(2, ALICE), removed(3, ALICE), created(4), created(5), joined(6, ALICE)]
        )
        feed.go_live(subscription)
        feed.offer([created(7)])

        assert mailbox.seqs == [2, 3, 6, 7]

    def test_membership_changes_up_to_the_authorized_head_are_ignored(self) -> None:
        feed = Feed("r", 1, 3)
        subscription, mailbox = listen(feed, head=3)

        subscription.deliver([removed(1, ALICE), created(2), joined(3, ALICE)])

        assert mailbox.seqs == [1, 2, 3]

    def test_a_full_subscription_that_re_joins_is_no_longer_paused(self, feed: Feed) -> None:
        """Else it would be stopped as paused while it waits for its socket."""
        subscription, mailbox = listen(feed)
        feed.offer([removed(1, ALICE)])

        mailbox.is_full = True
        feed.offer([joined(2, ALICE)])

        assert subscription not in feed.paused


class TestDeletions:
    def test_a_deletion_removes_the_text_from_the_ring(self, feed: Feed) -> None:
        feed.offer([created(1, "a secret", "m"), created(2), deleted(3, "m")])

        _, mailbox = listen(feed)

        assert "a secret" not in str(mailbox.events)
        assert mailbox.seqs == [1, 2, 3]

    def test_a_deletion_removes_the_text_of_events_in_its_own_batch(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer(
            [entry(2, "message.edited", {"id": "m", "text": "a secret"}), deleted(3, "m"), created(1, "hi", "m")]
        )

        assert "a secret" not in str(mailbox.events)

    def test_a_deletion_keeps_the_byte_count_of_the_ring_right(self, feed: Feed) -> None:
        feed.offer([created(1, "x" * 500, "m"), deleted(2, "m")])

        assert feed.ring_bytes == sum(len(entry.json) for entry in feed.ring)


class TestErasures:
    def test_an_erasure_clears_the_ring(self, feed: Feed) -> None:
        feed.offer([created(1), created(2), erased(3, BOB), created(4)])

        subscription, mailbox = listen(feed)
        _, late = listen(feed, cursor=2)

        assert (subscription.live, mailbox.events) == (False, [])  # it reads the log
        assert late.seqs == [3, 4]
        assert feed.ring_bytes == sum(len(entry.json) for entry in feed.ring)

    def test_a_purge_clears_the_ring(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([created(1), entry(2, "messages.purged", {"before_seq": 2}), created(3)])

        assert mailbox.seqs == [1, 2, 3]
        assert [each.seq for each in feed.ring] == [2, 3]

    def test_live_subscriptions_receive_all_events_around_an_erasure(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.offer([created(1), erased(2, BOB), created(3)])

        assert mailbox.seqs == [1, 2, 3]

    def test_the_ring_of_an_inbox_keeps_no_event_with_a_name(self, feed: Feed) -> None:
        _, mailbox = listen(feed)
        feed.offer([entry(1, "read.updated", {}), entry(2, "room.added", {"peer": {"id": BOB}})])
        feed.offer([entry(3, "read.updated", {})])

        assert mailbox.seqs == [1, 2, 3]
        assert [each.seq for each in feed.ring] == [3]
        assert not listen(feed, cursor=1)[0].live
        assert listen(feed, cursor=2)[1].seqs == [3]


class TestEphemeral:
    def test_live_members_receive_an_ephemeral_event(self, feed: Feed) -> None:
        _, mailbox = listen(feed)

        feed.send_ephemeral(EventBatch([LogEntry(0, "typing", b'{"seq":null}')]), 0)

        assert mailbox.seqs == [None]

    def test_an_ephemeral_event_newer_than_the_feed_is_dropped(self, feed: Feed) -> None:
        """The removal may be among the events that the feed does not have yet."""
        _, mailbox = listen(feed)

        feed.send_ephemeral(EventBatch([LogEntry(0, "typing", b'{"seq":null}')]), 1)

        assert mailbox.seqs == []

    def test_a_removed_member_receives_no_ephemeral_event(self, feed: Feed) -> None:
        _, mailbox = listen(feed)
        feed.offer([removed(1, ALICE)])

        feed.send_ephemeral(EventBatch([LogEntry(0, "typing", b'{"seq":null}')]), 1)

        assert mailbox.seqs == [1]


class TestRestores:
    def test_no_subscription_is_live_after_a_reset(self, feed: Feed) -> None:
        subscription, mailbox = listen(feed)
        feed.offer([created(1), created(2)])

        feed.reset(2, 1)
        feed.offer([created(2, "another past")])

        assert not subscription.live
        assert mailbox.seqs == [1, 2]

    def test_a_reset_drops_pending_hints(self, feed: Feed) -> None:
        feed.offer([created(3)])

        feed.reset(2, 2)

        assert not feed.has_gap
        assert feed.tail == 2


class TestFrames:
    def test_two_sockets_share_one_frame(self) -> None:
        batch = EventBatch([created(1)])

        assert batch.frame is batch.frame
        assert batch.join(following := EventBatch([created(2)])) is batch.join(following)

    def test_long_events_are_cut_into_several_frames(self, feed: Feed) -> None:
        events = [created(seq, "x" * 30_000) for seq in range(1, 21)]

        frames = list(log_entry.batches(events))

        assert len(frames) == 4
        assert all(batch.size < 256 * 1024 for batch in frames)

    def test_the_ring_is_limited_in_bytes(self, feed: Feed) -> None:
        feed.offer([created(seq, "x" * 30_000) for seq in range(1, 21)])

        assert feed.ring_bytes <= feed_module.RING_BYTES
        assert feed.ring[-1].seq == 20
