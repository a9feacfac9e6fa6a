"""One hub per process: from commits and hints to the sockets that subscribe here, by one feed per local stream."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from accounts.ended import end_in_memory, ended_in_memory
from eventlog.models import Event
from realtime.appends import Appends
from realtime.authorization import StreamAccess
from realtime.blocks import BLOCK_EVENTS, BlockLists
from realtime.broker import CONTROL, Broker, Layer
from realtime.close_codes import CloseCode
from realtime.ephemeral import (
    TICK_SECONDS,
    DeliveryMarkers,
    DraftNotices,
    EphemeralFeature,
    ReadMarkers,
    Typing,
    ephemeral_event,
)
from realtime.feed import Feed
from realtime.feed_registry import FeedRegistry
from realtime.handles import SubscriptionHandle
from realtime.log_entry import EventBatch, LogEntry
from realtime.log_reader import Log, LogReader
from realtime.metrics import DELIVERY_SECONDS, EVENTS, FEEDS, REPLAY_EVENTS, REPLAYS
from realtime.presence.service import Presence
from realtime.replay_plan import ReplayPlan
from realtime.seal import Message, Seal
from realtime.sessions import Sessions
from realtime.subscription import Subscriber, Subscription
from realtime.sweep import Sweep
from realtime.waiters import Waiters
from wire.fields import format_time
from wire.problems import Problem

logger = logging.getLogger(__name__)

REPAIR_SECONDS = 0.015  # two processes that publish n and n + 1 are often that far apart
RETRY_SECONDS = 0.5
GROUP_PREFIX = "stream."


class Hub:
    """Delivers the events of this process and of the others to the subscriptions of local sockets and waiting requests.

    It runs on the event loop; `committed` and `sessions_ended` take any thread.
    """

    def __init__(self, log: Log, layer: Layer | None = None) -> None:
        self.id = uuid4().hex
        self.log = log
        self._tasks: set[asyncio.Task[Any]] = set()
        self.presence = Presence(UUID(self.id), self._publish_to_all, self.spawn)
        self.blocks = BlockLists(log.blocks, spawn=self.spawn, announce=self._publish_to_all)
        self.sessions = Sessions(on_blocks=self.blocks.compare)
        self.waiters = Waiters(self.sessions)
        self._loop = asyncio.get_running_loop()
        self.feeds = FeedRegistry(on_evicted=self._leave)
        FEEDS.read = self.feeds.__len__
        self.reader = LogReader(log, spawn=self.spawn, on_appended=self._after_append)
        self.sweep = Sweep(
            self.feeds,
            log.heads,
            spawn=self.spawn,
            has_sockets=lambda: bool(self.sessions.sockets),
            on_behind=self.reader.repair_soon,
            on_rewritten=self.reset,
            on_unreachable=partial(self.sessions.end_all, CloseCode.TRY_AGAIN_LATER, "unavailable"),
        )
        self.typing = Typing(self.feeds, self._publish)
        self.read_markers = ReadMarkers(self.feeds, self._publish)
        self._features: tuple[EphemeralFeature, ...] = (
            self.typing,
            self.read_markers,
            DeliveryMarkers(self.feeds, self._publish),
            DraftNotices(self.feeds, self._publish),
            Appends(self.feeds, self._publish),
        )
        self._by_event_type = {feature.event_type: feature for feature in self._features}
        self._receivers: dict[str, Callable[[Message], None]] = {
            "hint": self._offer,
            "sessions": self._receive_ended_sessions,
            "blocks": self._receive_blocks,
            self.presence.name: self.presence.receive,
            **{feature.name: feature.receive for feature in self._features},
        }
        self.broker = self._make_broker(layer) if layer else None

    def _make_broker(self, layer: Layer) -> Broker:
        return Broker(
            layer,
            sender=self.id,
            seal=Seal([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]),
            on_message=self.receive,
            on_joined=self._on_joined,
            on_lost=self.sweep.run_soon,
        )

    def _on_joined(self, group: str) -> None:
        if group != CONTROL:
            self.sweep.compare_soon(group.removeprefix(GROUP_PREFIX))

    def start_tasks(self) -> None:
        """Start the sweep, the verification of sessions, the ephemeral features and the broker."""
        for work in (self.sweep.forever, self.sessions.verify_forever):
            self.spawn(_forever(work))
        self.spawn(self._tick_forever())
        if self.broker:
            self.broker.start()

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for feature in self._features:
                try:
                    feature.tick()
                except Exception:
                    logger.exception("A tick of %s failed", feature.name)

    def spawn(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Run in the background; the task is kept alive until it is done."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of the hub failed", exc_info=error)

    # The lifecycle of a subscription, which its socket authorizes first: prepare, start, replay, stop

    def prepare(
        self, user_id: UUID, stream: UUID, access: StreamAccess, plan: ReplayPlan, subscriber: Subscriber
    ) -> SubscriptionHandle:
        """Make a subscription that starts later, when the reply has been sent. Until then nothing reaches it."""
        user = str(user_id)
        feed = self._feed(user if stream == user_id else str(stream), access)
        subscription = Subscription(
            user,
            plan.cursor,
            subscriber,
            authorized_as_of=access.head,
            visible_ranges=access.visible_ranges,
            is_member=access.is_member,
            epoch=access.epoch,
            blocked=self.blocks.of(user, access.blocks),
        )
        return SubscriptionHandle(feed, subscription, plan)

    def start(self, handle: SubscriptionHandle, *, synced: bool = True) -> None:
        """Send the events from the cursor to the tail, then `room.synced` if wanted, then live events."""
        feed, subscription = handle.feed, handle.subscription
        REPLAYS.add(handle.plan.replay.value)
        REPLAY_EVENTS.observe(max(0, handle.plan.head - handle.plan.cursor))
        if handle.plan.skipped:
            first, last = handle.plan.skipped
            self.push(feed, subscription, "room.limited", {"from": first, "to": last})
        self.feeds.add_subscription(feed, subscription)
        subscription.awaits_synced = synced
        if subscription.epoch != feed.epoch:  # the log was rewritten since the authorization was read
            self.spawn(self._reauthorize(feed, subscription))
        elif not self._go_live(feed, subscription):
            self.spawn(self.replay(feed, subscription))

    def start_all(self, handles: Sequence[SubscriptionHandle]) -> None:
        """Start subscriptions of one socket; `room.synced` of those that are live at once travels in one frame."""
        notices: list[LogEntry] = []
        at = format_time(timezone.now())
        for handle in handles:
            self.start(handle, synced=False)
            if handle.subscription.live:
                notices += _synced(handle.feed, handle.subscription, at).entries
            else:
                handle.subscription.awaits_synced = True
        if notices:
            handles[0].subscription.subscriber.send_events(EventBatch(notices))

    async def replay(self, feed: Feed, subscription: Subscription) -> None:
        """Bring a subscription from the log to the tail, as fast as its socket reads; then it is live.

        It ends when the log is rewritten: the new authorization starts another replay.
        """
        generation = feed.generation
        await subscription.subscriber.wait_writable()
        while not subscription.ended and feed.generation == generation and not self._go_live(feed, subscription):
            if not subscription.subscriber.is_full:
                await self._replay_page(feed, subscription)
            await subscription.subscriber.wait_writable()

    async def _replay_page(self, feed: Feed, subscription: Subscription) -> None:
        generation = feed.generation
        try:
            page = await self.reader.page(feed, subscription.cursor)
        except DatabaseError as error:
            logger.warning("The log could not be read (%r): trying again", error)
            await asyncio.sleep(RETRY_SECONDS)
            return
        if not page:  # the feed has events that the log has lost: the sweep finds the restore
            self.sweep.run_soon()
            await asyncio.sleep(RETRY_SECONDS)
        elif not subscription.ended and feed.generation == generation:
            subscription.deliver(page)

    def stop(self, handle: SubscriptionHandle) -> None:
        """End a subscription: nothing is sent to it from this instant."""
        self.feeds.stop(handle.feed, handle.subscription)

    def push_synced(self, handle: SubscriptionHandle) -> None:
        """Send `room.synced` for a repeated subscribe: at once, or at the end of the replay that is running."""
        if not handle.subscription.ended:
            handle.subscription.awaits_synced = True
            if handle.subscription.live:
                self._push_synced(handle.feed, handle.subscription)

    def _go_live(self, feed: Feed, subscription: Subscription) -> bool:
        if not feed.go_live(subscription):
            return False
        if subscription.awaits_synced:
            self._push_synced(feed, subscription)
        return True

    def _push_synced(self, feed: Feed, subscription: Subscription) -> None:
        subscription.awaits_synced = False
        subscription.subscriber.send_events(_synced(feed, subscription))

    def push(self, feed: Feed, subscription: Subscription, kind: str, data: dict[str, Any]) -> None:
        """Send a notice of the stream to one subscription."""
        subscription.subscriber.send_events(_notice(feed, subscription, kind, data))

    def _feed(self, stream: str, access: StreamAccess) -> Feed:
        feed = self.feeds.get(stream)
        if feed is None:
            feed = self.feeds[stream] = Feed(stream, access.epoch, access.head)
            if self.broker:
                self.broker.join(f"{GROUP_PREFIX}{stream}")
        elif access.epoch > feed.epoch:
            self.reset(feed, access.epoch, access.head)
        elif access.epoch == feed.epoch and feed.is_behind(access.head):
            self.reader.repair_soon(feed)
        self.feeds.mark_idle(feed)  # until the subscription starts
        return feed

    # A rewritten log, after a restore

    def reset(self, feed: Feed, epoch: int, head: int) -> None:
        """Continue a feed at the head of a rewritten log, and authorize each of its subscriptions again."""
        feed.reset(epoch, head)
        for subscription in tuple(feed.subscriptions):
            self.spawn(self._reauthorize(feed, subscription))

    async def _reauthorize(self, feed: Feed, subscription: Subscription) -> None:
        """Send `room.reset`; the subscription of a member goes on from the new head, any other is stopped."""
        generation = feed.generation
        user_id, stream = UUID(subscription.user_id), UUID(feed.stream)
        while True:
            try:
                access = await self.log.authorize(user_id, None if stream == user_id else stream)
                break
            except Problem:
                if feed.generation == generation and not subscription.ended:
                    self.push(feed, subscription, "room.reset", {"head": 0, "epoch": feed.epoch})
                    self.feeds.stop(feed, subscription)
                return
            except DatabaseError:
                await asyncio.sleep(RETRY_SECONDS)
        if feed.generation != generation or subscription.ended:
            return
        if access.epoch != feed.epoch:  # rewritten once more, which authorizes this one again with all others
            self.reset(feed, access.epoch, access.head)
            return
        subscription.reauthorize(access.head, access.visible_ranges, access.is_member, access.epoch)
        self.blocks.of(subscription.user_id, access.blocks)
        self.push(feed, subscription, "room.reset", {"head": access.head, "epoch": access.epoch})
        await self.replay(feed, subscription)

    # Commits of this process

    def committed(self, events: Sequence[Event]) -> None:
        """Deliver and publish events that this process has just committed; from any thread."""
        self._loop.call_soon_threadsafe(self._on_committed, events)

    def _on_committed(self, events: Sequence[Event]) -> None:
        by_stream: dict[UUID, list[Event]] = {}
        for event in events:
            if event.seq is not None:
                by_stream.setdefault(event.stream, []).append(event)
        durable_count = sum(map(len, by_stream.values()))
        EVENTS.add("durable", amount=durable_count)
        EVENTS.add("ephemeral", amount=len(events) - durable_count)
        for stream_id, durable in by_stream.items():
            if durable[0].type in BLOCK_EVENTS:
                self.blocks.commit(durable[0])
                self.presence.commit_block(durable[0])
            stream, rendered = str(stream_id), [event.json() for event in durable]
            hint = {"type": "hint", "stream": stream, "epoch": durable[0].epoch, "json": rendered}
            self._offer(hint)
            # Without events the others read the log as for a lost hint; an older process leaves that to its sweep.
            self._publish(stream, hint if settings.HINT_EVENTS else {**hint, "json": [], "head": durable[-1].seq})
        for event in events:
            if event.seq is None:
                self._by_event_type[event.type].publish(event)

    def sessions_ended(self, ids: Sequence[UUID]) -> None:
        """Close the sockets of sessions that this process has ended; from any thread."""
        self._loop.call_soon_threadsafe(self._on_sessions_ended, [str(session) for session in ids])

    def _on_sessions_ended(self, ids: list[str]) -> None:
        self.spawn(self.sessions.verify(ids))
        unwritten = [session for session in ids if UUID(session) in ended_in_memory()]
        self._publish_to_all({"type": "sessions", "ids": ids, "unwritten": unwritten})

    def _publish_to_all(self, message: Message) -> None:
        """Publish to all other processes."""
        if self.broker:
            self.broker.publish(CONTROL, {**message, "from": self.id})

    def _publish(self, stream: str, message: Message) -> None:
        """Publish to the other processes that have the stream."""
        if self.broker:
            self.broker.publish(f"{GROUP_PREFIX}{stream}", {**message, "from": self.id})

    # Messages of other processes

    def receive(self, message: Message) -> None:
        """Dispatch a message that the broker has authenticated; one of an unknown type is of a newer version."""
        if message["from"] != self.id and (receive := self._receivers.get(message["type"])):
            receive(message)

    def _receive_blocks(self, message: Message) -> None:
        self.blocks.receive(message)
        self.presence.recheck_soon(UUID(message["user"]))

    def _receive_ended_sessions(self, message: Message) -> None:
        end_in_memory(map(UUID, message["unwritten"]))
        self.spawn(self.sessions.verify(message["ids"]))

    def _offer(self, hint: Message) -> None:
        """Give the events of a hint, of this process or of another, to the stream's feed, if the stream is local."""
        feed, epoch = self.feeds.get(hint["stream"]), hint["epoch"]
        if feed is None:
            return
        if epoch not in (None, feed.epoch):
            if epoch is not None and epoch > feed.epoch:
                self.sweep.run_soon()  # the log was rewritten: only the log shows how
            return  # an event of before a restore is no longer in the log
        if feed.offer([LogEntry.parse(json) for json in hint["json"]]):
            self.reader.repair_soon(feed, REPAIR_SECONDS)
        if (head := hint.get("head")) and feed.announce(head):
            self.reader.repair_soon(feed)
        self._after_append(feed)

    def _after_append(self, feed: Feed) -> None:
        """Replay the subscriptions that fell behind, and end the typing and the presence that the new events end."""
        appended, feed.appended = feed.appended, []
        if appended and feed.live:
            DELIVERY_SECONDS.observe(time.time() - appended[0].recorded_at())
        if feed.stream in self.typing.users:
            self.typing.end_with(feed.stream, appended)
        self.presence.end_memberships(feed.stream, appended)
        lagging, feed.lagging = feed.lagging, []
        for subscription in lagging:
            self.spawn(self.replay(feed, subscription))

    def _leave(self, stream: str) -> None:
        if self.broker:
            self.broker.leave(f"{GROUP_PREFIX}{stream}")


def _notice(
    feed: Feed, subscription: Subscription, kind: str, data: dict[str, Any], at: str | None = None
) -> EventBatch:
    return ephemeral_event(feed.stream, kind, data, inbox=feed.stream == subscription.user_id, at=at)


def _synced(feed: Feed, subscription: Subscription, at: str | None = None) -> EventBatch:
    return _notice(feed, subscription, "room.synced", {"head": subscription.delivered_up_to}, at)


async def _forever(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop for ever: a failure in it is logged, and it starts again."""
    while True:
        try:
            await loop()
        except Exception:
            logger.exception("A loop of the hub failed and starts again")
        await asyncio.sleep(RETRY_SECONDS)
