"""Planted bugs: each replaces one function of the server or of the simulation; the checker must find each."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from uuid import UUID

import orjson
from django.db import Error as DatabaseError

from api.services.blocks import BlockState
from realtime.authorization import StreamAccess
from realtime.blocks import Blocked
from realtime.feed import Feed
from realtime.hub import Hub
from realtime.log_entry import EventBatch, LogEntry, batches
from realtime.log_reader import LogReader
from realtime.subscription import Subscription
from realtime.sweep import Sweep
from tests.sim.actions import Action, Change, block, purge, react, remove, rewind
from tests.sim.history import Past
from tests.sim.log import FakeLog, as_ranges
from tests.sim.world import CommittedEvent, Process, World
from wire.problems import Problem


@dataclass(frozen=True)
class Bug:
    """A planted bug: the attribute to replace, and the kinds of violations as which the checker may find it."""

    owner: type
    attribute: str
    broken: Any
    found_as: frozenset[str]
    often: Action | None = None  # the action that it needs, if that is a rare one


BUGS: dict[str, Bug] = {}


def bug(
    owner: type, attribute: str, *found_as: str, often: Action | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as a bug that replaces this attribute."""

    def register(broken: Callable[..., Any]) -> Callable[..., Any]:
        BUGS[broken.__name__] = Bug(owner, attribute, broken, frozenset(found_as), often)
        return broken

    return register


@contextmanager
def planted(name: str) -> Iterator[Bug]:
    """Plant this bug."""
    bug = BUGS.get(name) or HARMLESS[name]
    with patch.object(bug.owner, bug.attribute, bug.broken):
        yield bug


# Events that no hint announces


@bug(Sweep, "run", "lost")
async def no_sweep(self: Sweep) -> float:
    self._feeds.tidy()
    return 0.0


# From the hint to the socket


@bug(Feed, "offer", "doubled", "leak", "lost")
def naive_fan_out(self: Feed, entries: Iterable[LogEntry]) -> bool:
    for entry in entries:
        for subscription in self.subscriptions:
            subscription.subscriber.send_events(EventBatch([entry]))
    return False


@bug(Feed, "go_live", "lost")
def flip_without_replay(self: Feed, subscription: Subscription) -> bool:
    subscription.cursor = max(subscription.cursor, self.tail)
    subscription.live = True
    self.live.add(subscription)
    return True


deliver = Feed._deliver


@bug(Feed, "_deliver", "lost")
def drop_on_overflow(self: Feed, batch: EventBatch) -> None:
    for subscription in self.live:
        if subscription.subscriber.is_full:
            subscription.cursor = max(subscription.cursor, batch.entries[-1].seq)
    deliver(self, batch)


offer = Feed.offer


@bug(Feed, "offer", "doubled")
def no_dedupe(self: Feed, entries: Iterable[LogEntry]) -> bool:
    for entry in (entries := list(entries)):
        if entry.seq <= self.tail:
            for subscription in self.live:
                if subscription.is_member:
                    subscription.subscriber.send_events(EventBatch([entry]))
    return offer(self, entries)


@bug(Feed, "discard", "uninvited", "doubled", "synced")
def deliver_after_unsubscribe(self: Feed, subscription: Subscription) -> None:
    self.subscriptions.discard(subscription)
    subscription.ended = True


@bug(Hub, "_after_append", "lost")
def laggards_jump_to_the_head(self: Hub, feed: Feed) -> None:
    for subscription in feed.lagging:
        subscription.cursor = feed.tail
        self.spawn(self.replay(feed, subscription))
    feed.lagging = []


@bug(Feed, "extend", "lost", "tombstone")
def jump_over_a_hole(self: Feed, page: list[LogEntry]) -> None:
    fresh = [entry for entry in page if entry.seq > self.tail]
    self.pending.update({entry.seq: entry for entry in fresh[1:]})
    if self.pending:
        self.tail = min(self.pending) - 1
    self._drain()


# Membership


@bug(Subscription, "_take", "leak", "lost")
def membership_cached_at_connect(self: Subscription, entry: LogEntry) -> bool:
    return self.is_member


@bug(Feed, "_mark_paused", "lost")
def end_on_leave(self: Feed, subscription: Subscription) -> None:
    if not subscription.is_member:
        self.discard(subscription)


@bug(Subscription, "deliver", "lost")
def no_cursor_while_invisible(self: Subscription, entries: Iterable[LogEntry]) -> bool:
    for entry in entries:
        if entry.seq <= self.cursor:
            continue
        if entry.seq != self.cursor + 1 or self.subscriber.is_full:
            return False
        if self._take(entry):
            self.cursor = max(self.cursor, entry.seq)
            self.subscriber.send_events(EventBatch([entry]))
    return True


@bug(Subscription, "_rejoin", "lost")
def never_go_back_to_the_leave(self: Subscription, seq: int) -> None:
    self.is_member, self.left_at = True, None


@bug(Subscription, "_take", "lost", "leak")
def toggle_below_the_floor(self: Subscription, entry: LogEntry) -> bool:
    joined = entry.membership_changes.get(self.user_id)
    was_member, self.is_member = self.is_member, self.is_member if joined is None else joined
    return was_member or self.is_member


@bug(FakeLog, "authorize", "leak", "lost", "limited", often=remove)
async def membership_before_the_head(self: FakeLog, user_id: UUID, room_id: UUID | None) -> StreamAccess:
    await self._travel()
    stream = str(room_id or user_id)
    periods = self.past.periods(stream, str(user_id))
    if room_id is not None and (not periods or periods[-1].last is not None):
        raise Problem("not_found")
    await self._travel()
    rows = None if stream in self.shared else as_ranges(periods)
    return StreamAccess(self.head(stream), self.past.epoch, rows, self._blocks(str(user_id)))


@bug(Feed, "send_ephemeral", "leak", often=remove)
def ephemeral_without_min_seq(self: Feed, batch: EventBatch, min_seq: int) -> None:
    for subscription in self.live:
        if subscription.is_member:
            subscription.subscriber.send_events(batch)


@bug(Feed, "send_ephemeral", "leak")
def ephemeral_to_former_members(self: Feed, batch: EventBatch, min_seq: int) -> None:
    for subscription in self.live:
        if self.tail >= min_seq:
            subscription.subscriber.send_events(batch)


# Blocks


@bug(Subscription, "_send", "unhidden", often=block)
def no_stub_in_a_replay(self: Subscription, visible: Sequence[LogEntry]) -> None:
    for batch in batches(visible):
        self.subscriber.send_events(batch)


@bug(LogEntry, "is_hidden_by", "unhidden", often=block)
def stubs_of_new_messages_alone(self: LogEntry, blocked: Collection[str]) -> bool:
    return self.type == "message.created" and is_hidden_by(self, blocked)


is_hidden_by = LogEntry.is_hidden_by


@bug(Blocked, "load", "unhidden", often=block)
def blocks_are_never_read(self: Blocked, state: BlockState) -> None:
    """Know only the blocks that were made since the process has the list."""


@bug(LogEntry, "is_hidden_by", "hidden", often=block)
def one_block_hides_everybody(self: LogEntry, blocked: Collection[str]) -> bool:
    return self.message_id is not None and bool(blocked)


# Parts of messages


@bug(LogEntry, "parse", "tombstone", "phantom", "ring", "diverged", often=react)
def a_deletion_rewrites_parts(json: bytes) -> LogEntry:
    entry = parse(json)
    entry.message_id = orjson.loads(json)["data"].get("id")
    return entry


parse = LogEntry.parse


@bug(Past, "version_of", "diverged", often=react)
def a_part_names_the_wrong_base(self: Past, stream: str, message: str) -> int:
    return next(row.seq for row in self.rows[stream] if row.changes(message))


# The log


@bug(World, "end_transaction", "phantom", "ring", "diverged")
def publish_before_commit(self: World, process: Process, stream: str, change: Change) -> None:
    committed = change(self, stream) if process.up else None
    if not committed:
        return
    rows = self.log.past.rows[stream]
    taken = rows[-len(committed) :]
    del rows[-len(committed) :]
    process.publish(committed)

    def commit() -> None:
        if self.rng.random() < 0.9 and self.log.head(stream) == taken[0].seq - 1:
            for row in taken:
                row.at = self.loop.now
                self.log.append(row, stream)

    self.loop.call_later(0.004, commit)


row = World.row


@bug(World, "row", "gap")
def nextval(self: World, stream: str, seq: int, *args: Any) -> Any:
    return row(self, stream, seq + (self.rng.random() < 0.05), *args)


@bug(LogEntry, "retract", "tombstone")
def forget_to_retract(self: LogEntry, tombstone: LogEntry) -> None:
    """Keep deleted text in memory."""


_append = Feed._append


@bug(Feed, "_append", "tombstone", often=purge)
def forget_to_clear(self: Feed, entry: LogEntry) -> None:
    """Keep purged texts in memory."""
    kind, entry.type = entry.type, "room.updated" if entry.type == "messages.purged" else entry.type
    _append(self, entry)
    entry.type = kind


# Pushes that are left out


push = Hub.push


def _unless(kind: str) -> Callable[..., None]:
    def push_the_others(
        self: Hub, feed: Feed, subscription: Subscription, event_type: str, data: dict[str, Any]
    ) -> None:
        if event_type != kind:
            push(self, feed, subscription, event_type, data)

    push_the_others.__name__ = f"never_push_{kind.partition('.')[2]}"
    return push_the_others


bug(Hub, "push", "reset", "lost", "doubled", "synced", often=rewind)(_unless("room.reset"))
bug(Hub, "push", "limited")(_unless("room.limited"))


@bug(Hub, "_push_synced", "synced")
def never_push_synced(self: Hub, feed: Feed, subscription: Subscription) -> None:
    subscription.awaits_synced = False


@bug(LogReader, "_repair", "phantom", "ring", "reset", "lost", often=rewind)
async def pages_across_a_restore(self: LogReader, feed: Feed, delay: float) -> None:
    try:
        feed.extend(await self.page(feed, feed.tail))
        self._on_appended(feed)
    except DatabaseError:
        await asyncio.sleep(0.5)


@bug(CommittedEvent, "__init__", "phantom", "leak", "reset", "ring", often=rewind)
def hints_without_an_epoch(self: CommittedEvent, stream: str, epoch: int, row: Any) -> None:
    self.stream, self.seq, self.type, self.actor_id, self.min_seq = UUID(stream), row.seq, row.kind, None, 0
    self.epoch, self._json = None, row.json  # type: ignore[assignment]


feed_of = Hub._feed


@bug(Hub, "_feed", "phantom", "reset", "lost", often=rewind)
def authorized_in_any_epoch(self: Hub, stream: str, access: StreamAccess) -> Feed:
    known = self.feeds.get(stream)
    return feed_of(self, stream, StreamAccess(access.head, known.epoch) if known else access)


def begin_behind_the_head(self: Hub, stream: str, access: StreamAccess) -> Feed:
    known = self.feeds.get(stream)
    if known is None:
        access = StreamAccess(max(0, access.head - 2), access.epoch)
    return feed_of(self, stream, access)


HARMLESS = {"begin_behind_the_head": Bug(Hub, "_feed", begin_behind_the_head, frozenset())}
