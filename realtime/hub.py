"""One hub per process: from commits and hints to the sockets that listen here, by one feed per local stream."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID, uuid4

import orjson
from channels.layers import BaseChannelLayer
from django.conf import settings
from django.db import Error as DatabaseError

from accounts.ended import end_in_memory, ended_in_memory
from eventlog.models import Event
from realtime.authorization import StreamAccess
from realtime.broker import CONTROL, Broker
from realtime.database import PAGE_EVENTS, is_cut
from realtime.ephemeral import Markers, Typing, ephemeral
from realtime.feed import EventBatch, Feed, LogEntry, Subscriber, Subscription
from realtime.seal import Message, Seal
from realtime.sessions import Sessions
from realtime.sweep import Sweep

logger = logging.getLogger(__name__)

REPAIR_SECONDS = 0.015  # two processes that publish n and n + 1 are often that far apart
REPLAY_EVENTS = 1_000
RETRY_SECONDS = 0.5
CATCH_UPS = 16  # pages of the log that are read at once


@dataclass(slots=True)
class Opened:
    """A subscription that is about to begin: `reply` goes first, then `begin` lets its events flow."""

    feed: Feed
    subscription: Subscription
    reply: dict[str, Any]
    limited: tuple[int, int] | None = None


def reply_of(subscription: Subscription, opened: Opened) -> dict[str, Any]:
    """The reply to a subscribe to what goes on. After a restore that it was not told yet, it is still in the past."""
    reply = {**opened.reply, "after": subscription.told, "replay": "complete"}
    if subscription.epoch != reply["epoch"]:
        reply |= {"epoch": subscription.epoch, "head": subscription.told}
    return reply


class Log(Protocol):
    """The reads of the hub; each may raise django.db.Error."""

    async def admit(self, user_id: UUID, room_id: UUID | None) -> StreamAccess:
        """Head and membership of a room or inbox. Raises Problem not_found or room.not_member."""

    async def page(self, stream: str, after: int) -> list[LogEntry]:
        """The next events of a stream: PAGE_EVENTS or what `is_cut` tells, as long as there are so many."""

    async def heads(self, streams: Sequence[str]) -> tuple[int, dict[str, int], float]:
        """The epoch, the heads of the streams, and the CPU seconds that it took."""


class Hub:
    """Everything live of this process. All of it runs on the event loop; `committed` may be called from any thread."""

    def __init__(self, log: Log, layer: BaseChannelLayer | None = None) -> None:
        self.id = uuid4().hex
        self.log = log
        self.feeds: dict[str, Feed] = {}
        self.sessions = Sessions()
        self.typing = Typing(self.tell)
        self.markers = Markers(self.tell)
        self.idle_since: dict[str, float] = {}
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._pages: dict[tuple[str, int, int], asyncio.Task[list[LogEntry]]] = {}
        self._catch_ups = asyncio.Semaphore(CATCH_UPS)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.get_running_loop()
        self.sweep = Sweep(self)
        self.broker = self._make_broker(layer) if layer else None

    def _make_broker(self, layer: BaseChannelLayer) -> Broker:
        seal = Seal([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
        return Broker(layer, seal=seal, on_message=self.receive, on_joined=self._on_joined, on_lost=self.sweep_soon)

    def _on_joined(self, group: str) -> None:
        if group != CONTROL:
            self.sweep.look_soon(group.removeprefix(_group("")))

    def start(self) -> None:
        """Begin to sweep, to verify sessions and to hear the other processes."""
        for loop in (self.sweep.forever, self.sessions.verify_forever):
            self.spawn(_ever(loop))
        if self.broker:
            self.broker.start()

    def spawn(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Run in the background, kept alive until it is done."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of the hub failed", exc_info=error)

    # Subscribing

    async def open(
        self, user_id: UUID, room_id: UUID | None, after: int | None, epoch: int | None, sink: Subscriber
    ) -> Opened:
        """Admit a user to a room's stream, or to their own inbox. Raises Problem not_found or room.not_member."""
        admission = await self.log.admit(user_id, room_id)
        return self.admitted(user_id, room_id, admission, after, epoch, sink)

    def admitted(
        self,
        user_id: UUID,
        room_id: UUID | None,
        admission: StreamAccess,
        after: int | None,
        epoch: int | None,
        sink: Subscriber,
    ) -> Opened:
        """A subscription from the admission that was read, not begun yet."""
        replay, cursor, limited = _replay(admission, after, epoch)
        feed, subscription = self.follow(user_id, room_id or user_id, admission, cursor, sink)
        reply = {
            "room_id": room_id and str(room_id),
            "after": after if replay == "complete" and after is not None else cursor,
            "head": admission.head,
            "epoch": admission.epoch,
            "replay": replay,
        }
        return Opened(feed, subscription, reply, limited)

    def follow(
        self, user_id: UUID, stream: UUID, admission: StreamAccess, cursor: int, sink: Subscriber
    ) -> tuple[Feed, Subscription]:
        """A subscription that goes on after a cursor, whatever it lacks; not begun yet."""
        feed = self._feed(str(stream), admission)
        return feed, Subscription(
            str(user_id),
            cursor,
            sink,
            floor=admission.head,
            stays=admission.stays,
            member=admission.is_member,
            epoch=admission.epoch,
        )

    def begin(self, opened: Opened, *, synced: bool = True) -> None:
        """Let the events flow, from the cursor to the tail and then live; the end of the replay is `room.synced`."""
        feed, subscription = opened.feed, opened.subscription
        if opened.limited:
            first, last = opened.limited
            self.push(feed, subscription, "room.limited", {"from": first, "to": last})
        self.resume(feed, subscription, synced=synced)

    def resume(self, feed: Feed, subscription: Subscription, *, synced: bool = False) -> None:
        """Listen from the cursor on."""
        feed.add(subscription)
        self.idle_since.pop(feed.stream, None)
        subscription.unsynced = synced
        if subscription.epoch != feed.epoch:  # rewritten since the admission was read
            self.spawn(self.sweep.readmit(feed, subscription))
        elif not self._advance(feed, subscription):
            self.spawn(self.catch_up(feed, subscription))

    def go_on(self, feed: Feed, subscription: Subscription) -> None:
        """The end of a subscribe that moves nothing: at once, or when the replay that is under way ends."""
        if subscription.ended:
            return
        subscription.unsynced = True
        if subscription.live:
            self._say_synced(feed, subscription)

    def _advance(self, feed: Feed, subscription: Subscription) -> bool:
        if not feed.advance(subscription):
            return False
        if subscription.unsynced:
            self._say_synced(feed, subscription)
        return True

    def _say_synced(self, feed: Feed, subscription: Subscription) -> None:
        subscription.unsynced = False
        self.push(feed, subscription, "room.synced", {"head": subscription.told})

    def end(self, feed: Feed, subscription: Subscription) -> None:
        """Nothing more to this subscription, from this instant."""
        feed.discard(subscription)
        # A socket that lives on may end what ended long ago, when others listen to a newer feed of the stream.
        if not feed.subscriptions and self.feeds.get(feed.stream) is feed:
            self.idle_since[feed.stream] = self._loop.time()

    def _feed(self, stream: str, admission: StreamAccess) -> Feed:
        feed = self.feeds.get(stream)
        if feed is None:
            feed = self.feeds[stream] = Feed(stream, admission.epoch, admission.head)
            if self.broker:
                self.broker.join(_group(stream))
        elif admission.epoch > feed.epoch:
            self.sweep.reset(feed, admission.epoch, admission.head)
        elif admission.epoch == feed.epoch and feed.behind(admission.head):
            self.repair_soon(feed)
        if not feed.subscriptions:
            self.idle_since[stream] = self._loop.time()  # somebody is about to listen
        return feed

    def push(self, feed: Feed, subscription: Subscription, kind: str, data: dict[str, Any]) -> None:
        subscription.sink.give(ephemeral(feed.stream, kind, data, inbox=feed.stream == subscription.user_id))

    async def catch_up(self, feed: Feed, subscription: Subscription) -> None:
        """Bring a subscription to the tail from the log, as fast as its socket reads; then live.

        It ends when the past is rewritten: a new admission begins another.
        """
        past = feed.past
        await subscription.sink.room()
        while not subscription.ended and feed.past == past and not self._advance(feed, subscription):
            if not subscription.sink.full:
                await self._take_page(feed, subscription)
            await subscription.sink.room()

    async def _take_page(self, feed: Feed, subscription: Subscription) -> None:
        past = feed.past
        try:
            page = await self._page(feed, subscription.cursor)
        except DatabaseError as error:
            logger.warning("The log could not be read (%r): trying again", error)
            await asyncio.sleep(RETRY_SECONDS)
            return
        if not page:  # the feed knows events that the log has lost: the sweep sees the rewind
            self.sweep_soon()
            await asyncio.sleep(RETRY_SECONDS)
        elif not subscription.ended and feed.past == past:
            subscription.take(page)

    async def _page(self, feed: Feed, after: int) -> list[LogEntry]:
        """A page of the log; sockets that want the same one share the query."""
        key = (feed.stream, feed.past, after)
        if key not in self._pages:
            reading = self._pages[key] = asyncio.ensure_future(self._read_page(feed.stream, after))
            reading.add_done_callback(lambda _: self._pages.pop(key))
        return await asyncio.shield(self._pages[key])

    async def _read_page(self, stream: str, after: int) -> list[LogEntry]:
        async with self._catch_ups:
            return await self.log.page(stream, after)

    # Hearing

    def committed(self, events: Sequence[Event]) -> None:
        """Take events that this process has just committed; from any thread."""
        self._loop.call_soon_threadsafe(self._on_committed, events)

    def _on_committed(self, events: Sequence[Event]) -> None:
        by_stream: dict[UUID, list[Event]] = {}
        for event in events:
            if event.seq is None and event.type == "typing":
                on = orjson.loads(event.data)["on"]
                self.note_typing(str(event.stream), str(event.actor_id), on, event.min_seq)
            elif event.seq is None:
                self.markers.note(event)
            else:
                by_stream.setdefault(event.stream, []).append(event)
        for stream_id, durable in by_stream.items():
            stream, epoch, rendered = str(stream_id), durable[0].epoch, [event.json() for event in durable]
            self._offer(stream, epoch, rendered)
            if self.broker:
                hint = {"type": "hint", "from": self.id, "stream": stream, "epoch": epoch, "json": rendered}
                self.broker.publish(_group(stream), hint)

    def tell(self, stream: str, run: EventBatch, min_seq: int, *, publish: bool = True) -> None:
        """Something ephemeral, to who is up to date in the stream, on this process and the others."""
        feed = self.feeds.get(stream)
        if feed is not None:
            feed.tell(run, min_seq)
        if publish and self.broker:
            message = {"type": "tell", "from": self.id, "stream": stream, "min": min_seq, "json": [run.entries[0].json]}
            self.broker.publish(_group(stream), message)

    def note_typing(self, stream: str, user_id: str, on: bool, head: int) -> None:
        """A member types, or no longer does; `head` is where they were one.

        A set is kept only where a feed shows the messages that end it; other processes have their own.
        """
        if stream in self.feeds:
            self.typing.note(stream, user_id, on, head)
        if self.broker:
            message = {"type": "typing", "from": self.id, "stream": stream, "user": user_id, "on": on, "min": head}
            self.broker.publish(_group(stream), message)

    def sessions_ended(self, ids: Sequence[UUID]) -> None:
        """Sessions were ended by this process; from any thread."""
        self._loop.call_soon_threadsafe(self._on_sessions_ended, [str(session) for session in ids])

    def _on_sessions_ended(self, ids: list[str]) -> None:
        self.spawn(self.sessions.verify(ids))
        if self.broker:
            unwritten = [session for session in ids if UUID(session) in ended_in_memory()]
            message = {"type": "sessions", "from": self.id, "ids": ids, "unwritten": unwritten}
            self.broker.publish(CONTROL, message)

    def receive(self, message: Message) -> None:
        """A message of another process, which the broker has authenticated."""
        if message["from"] == self.id:
            return
        if message["type"] == "hint":
            self._offer(message["stream"], message["epoch"], message["json"])
        elif message["type"] == "tell":
            self.tell(
                message["stream"], EventBatch([LogEntry(0, "", message["json"][0])]), message["min"], publish=False
            )
        elif message["type"] == "typing" and message["stream"] in self.feeds:
            self.typing.note(message["stream"], message["user"], message["on"], message["min"])
        elif message["type"] == "sessions":
            end_in_memory(map(UUID, message["unwritten"]))
            self.spawn(self.sessions.verify(message["ids"]))

    def _offer(self, stream: str, epoch: int | None, rendered: Iterable[bytes]) -> None:
        feed = self.feeds.get(stream)
        if feed is None:
            return
        if epoch not in (None, feed.epoch):
            if epoch is not None and epoch > feed.epoch:
                self.sweep_soon()  # the past was rewritten: only the log says how
            return  # an event of the past before a restore is no longer in the log
        if feed.offer([LogEntry.parse(json) for json in rendered]):
            self.repair_soon(feed, REPAIR_SECONDS)
        self._settle(feed)

    def _settle(self, feed: Feed) -> None:
        """After a feed moved: subscriptions that fell out of live mode catch up, and typing ends with what came."""
        fresh, feed.fresh = feed.fresh, []
        self.typing.end_with(feed.stream, fresh)
        fallen, feed.fallen = feed.fallen, []
        for subscription in fallen:
            self.spawn(self.catch_up(feed, subscription))

    # Repairing

    def repair_soon(self, feed: Feed, delay: float = 0.0) -> None:
        if feed.stream not in self._repairs:
            task = self.spawn(self._repair(feed, delay))
            self._repairs[feed.stream] = task
            task.add_done_callback(lambda _: self._repairs.pop(feed.stream))

    async def _repair(self, feed: Feed, delay: float) -> None:
        """Read the log after the tail until nothing is left, one repair per stream at a time."""
        await asyncio.sleep(delay)
        if delay and not feed.hole:
            return
        page: list[LogEntry] | None = None
        while page is None or len(page) == PAGE_EVENTS or is_cut(page) or (page and feed.hole):
            try:
                past = feed.past
                page = await self._page(feed, feed.tail)
            except DatabaseError as error:
                logger.warning("The log could not be read (%r): the next sweep tries again", error)
                return
            if feed.past != past:
                return
            feed.extend(page)
            self._settle(feed)

    def sweep_soon(self) -> None:
        """Compare with the log now: a hint may have been lost."""
        self.sweep.now.set()

    def forget(self, stream: str) -> None:
        """Let go of a stream that nobody listens to."""
        self.idle_since.pop(stream, None)
        self.feeds.pop(stream, None)
        if self.broker:
            self.broker.leave(_group(stream))


async def _ever(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop for ever: a failure in it is logged, and it goes on."""
    while True:
        try:
            await loop()
        except Exception:
            logger.exception("A loop of the hub failed and starts again")
        await asyncio.sleep(RETRY_SECONDS)


def _group(stream: str) -> str:
    return f"stream.{stream}"


def _replay(admission: StreamAccess, after: int | None, epoch: int | None) -> tuple[str, int, tuple[int, int] | None]:
    """The replay for a cursor: (`complete`, `limited` or `reset`; the start of the subscription; the missed events)."""
    if (epoch is not None and epoch != admission.epoch) or (after is not None and after > admission.head):
        return "reset", admission.head, None
    if after is None:
        return "complete", admission.head, None
    missed, first, last = admission.missed(after)
    if missed > REPLAY_EVENTS:
        return "limited", admission.head, (first, last)
    return "complete", after, None
