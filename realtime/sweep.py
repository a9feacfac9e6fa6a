"""The sweep: once a second one query says how far every local stream is in the log; what is behind is repaired."""

import asyncio
import logging
import time
from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import Error as DatabaseError

from realtime.close_codes import CloseCode
from realtime.feed import Feed, Subscription
from wire.problems import Problem

if TYPE_CHECKING:
    from realtime.hub import Hub

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
SWEEP_CPU_SHARE = 0.02  # a sweep of 20 ms of CPU a second; a dearer one comes less often
LINGER_SECONDS = 60.0
SILENT_SECONDS = 60.0
RING_BYTES_OF_PROCESS = 64 * 1024 * 1024
HEADS_SECONDS = 3.0  # for one reading of the heads, also when the database is frozen
BLIND_SECONDS = 9.5  # without heads or sessions for so long, sockets close: nobody may hear longer than ten seconds
RETRY_SECONDS = 0.5


class Sweep:
    """Periodic reconciliation. A lost broker message only delays delivery; correctness needs no broker."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        self.now = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._blind: asyncio.TimerHandle | None = None
        self._silent_since: dict[Subscription, float] = {}
        self._joined: set[str] = set()  # streams to look at soon
        self._looking: asyncio.Task[None] | None = None

    async def forever(self) -> None:
        """Every second, at once when a hint may have been lost, and at once after the loop stalled."""
        period = SWEEP_SECONDS
        while True:
            try:
                async with asyncio.timeout(period):
                    await self.now.wait()
            except TimeoutError:
                pass
            self.now.clear()
            if self.hub.feeds or self.hub.sessions.sockets:
                period = max(SWEEP_SECONDS, await self.run() / SWEEP_CPU_SHARE)

    async def run(self) -> float:
        """Compare every feed with the log's heads; the CPU seconds that it took."""
        began = time.thread_time()
        self._tidy()
        spent = time.thread_time() - began
        if self._blind is None:
            self._blind = self._loop.call_later(BLIND_SECONDS, self._give_up)
        try:
            spent += await self._compare_all(list(self.hub.feeds))
        except (DatabaseError, TimeoutError) as error:
            logger.warning("The heads could not be read (%r)", error)
            return spent
        if self._blind is not None:  # else it gave up while the heads were on their way
            self._blind.cancel()
            self._blind = None
        return spent

    def look_soon(self, stream: str) -> None:
        """Compare one feed, whose hints are heard from now on: those of a moment ago were not.

        One, because a process that thousands come to joins a stream every few milliseconds.
        """
        self._joined.add(stream)
        if self._looking is None:
            self._looking = self.hub.spawn(self._look())

    async def _look(self) -> None:
        try:
            while self._joined:
                streams, self._joined = self._joined, set()
                await self._compare_all(streams)
        except (DatabaseError, TimeoutError) as error:
            logger.warning("The heads could not be read (%r)", error)
        finally:
            self._looking = None

    async def _compare_all(self, streams: Collection[str]) -> float:
        began = time.thread_time()
        feeds = [feed for stream in streams if (feed := self.hub.feeds.get(stream))]
        known = {feed.stream: (feed.past, feed.tail) for feed in feeds}
        spent = time.thread_time() - began
        async with asyncio.timeout(HEADS_SECONDS):
            epoch, heads, queried = await self.hub.log.heads(list(known))
        began = time.thread_time()
        for stream, (past, tail) in known.items():
            self._compare(stream, past, tail, epoch, heads.get(stream, 0))
        return spent + queried + time.thread_time() - began

    def _give_up(self) -> None:
        self._blind = None
        self.hub.sessions.end_all(CloseCode.TRY_AGAIN_LATER, "unavailable")

    def _compare(self, stream: str, past: int, tail: int, epoch: int, head: int) -> None:
        """`tail` is what it was before the query: all of it was committed, so a smaller head is a rewind."""
        feed = self.hub.feeds.get(stream)
        if feed is None or feed.past != past:
            return
        if epoch != feed.epoch or head < tail:
            self.reset(feed, epoch, head)
        elif feed.behind(head):
            self.hub.repair_soon(feed)

    def reset(self, feed: Feed, epoch: int, head: int) -> None:
        """The past was rewritten: go on from the head of the new one."""
        feed.reset(epoch, head)
        for subscription in tuple(feed.subscriptions):
            self.hub.spawn(self.readmit(feed, subscription))

    async def readmit(self, feed: Feed, subscription: Subscription) -> None:
        """After the past was rewritten: who is still a member goes on from the head. Everybody is told."""
        past = feed.past
        user_id, stream = UUID(subscription.user_id), UUID(feed.stream)
        while True:
            try:
                admission = await self.hub.log.admit(user_id, None if stream == user_id else stream)
                break
            except Problem:
                if feed.past == past and not subscription.ended:
                    self.hub.push(feed, subscription, "room.reset", {"head": 0, "epoch": feed.epoch})
                    self.hub.end(feed, subscription)
                return
            except DatabaseError:
                await asyncio.sleep(RETRY_SECONDS)
        if feed.past != past or subscription.ended:
            return
        if admission.epoch != feed.epoch:  # and once more: this one is admitted anew with all others
            self.reset(feed, admission.epoch, admission.head)
            return
        subscription.readmit(admission.head, admission.stays, admission.is_member, admission.epoch)
        self.hub.push(feed, subscription, "room.reset", {"head": admission.head, "epoch": admission.epoch})
        await self.hub.catch_up(feed, subscription)

    def _tidy(self) -> None:
        """Let go of feeds that nobody listens to, of subscriptions that stay silent, and of memory over the bound."""
        now = self._loop.time()
        for stream, since in list(self.hub.idle_since.items()):
            if now - since > LINGER_SECONDS:
                self.hub.forget(stream)
        self._end_silent(now)
        total = sum(feed.ring_bytes for feed in self.hub.feeds.values())
        if total > RING_BYTES_OF_PROCESS:
            self._cool(total)

    def _end_silent(self, now: float) -> None:
        silent = [(feed, subscription) for feed in self.hub.feeds.values() for subscription in feed.silent]
        self._silent_since = {each: self._silent_since.get(each, now) for _, each in silent}
        for feed, subscription in silent:
            if now - self._silent_since[subscription] > SILENT_SECONDS:
                self.hub.end(feed, subscription)

    def _cool(self, total: int) -> None:
        for feed in sorted(self.hub.feeds.values(), key=lambda feed: len(feed.live)):
            if total <= RING_BYTES_OF_PROCESS:
                return
            total -= feed.ring_bytes
            feed.cool()
