"""The channel layer as the hub uses it: one bounded task publishes hints, and one channel receives them.

No request, action or subscription ever awaits it: a hint may be lost, and the sweep repairs the feed. Redis is not
trusted either: a message that fails its HMAC is counted and dropped.

A group that no other process has joined gets no hints: Redis answers each publish with the number of processes that it
reached. The others announce the groups that they join, and the answer is believed for a few seconds only, because an
announcement may be lost too, and an older process makes none. Meanwhile the sweep of the other process delivers.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from realtime.metrics import BROKER_FAILURES, HINTS_DROPPED, HINTS_RECEIVED, HINTS_SENT
from realtime.seal import Forged, Message, Seal

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 1
RETRY_SECONDS = 1
WAITING_MESSAGES = 2_000
PUBLISHED_AT_ONCE = 100  # messages in one round trip
ALONE_SECONDS = 5.0  # for which a group is believed to have no other process
ALONE_GROUPS = 10_000  # of which that is remembered
ANNOUNCED_AT_ONCE = 100  # groups in one announcement
CONTROL = "control"
ANNOUNCEMENT = "joined"
REPORT_SECONDS = 10.0  # between two lines about dropped messages
# Raised by the layer and the seal for bytes that no Parley process has sent; a lost connection raises none of these.
UNREADABLE = (Forged, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)


class Layer(Protocol):
    """The methods of a HintLayer that the broker uses."""

    async def new_channel(self) -> str: ...
    async def receive(self, channel: str) -> Message: ...
    async def group_add(self, group: str, channel: str) -> None: ...
    async def group_discard(self, group: str, channel: str) -> None: ...
    async def publish_each(self, messages: Sequence[tuple[str, Message]]) -> list[int]: ...


class Broker:
    """One channel of the layer for the whole process; it joins the group of each stream that is local."""

    def __init__(
        self,
        layer: Layer,
        *,
        sender: str,
        seal: Seal,
        on_message: Callable[[Message], None],
        on_joined: Callable[[str], None],
        on_lost: Callable[[], None],
    ) -> None:
        """`sender` names this process in what it publishes."""
        self._layer = layer
        self._sender = sender
        self._seal = seal
        self._clock = asyncio.get_running_loop().time
        self.dropped = 0  # messages that were not ours, were damaged or came too late
        self._reported_at = -REPORT_SECONDS
        self._on_message = on_message
        self._on_joined = on_joined
        self._on_lost = on_lost
        self._alone: dict[str, float] = {}  # groups that no other process has joined, and how long that is believed
        self._announcements = 0  # received so far
        self._outgoing: deque[tuple[str, Message]] = deque()
        self._outgoing_waits = asyncio.Event()
        self._wanted: set[str] = {CONTROL}
        self._joined: set[str] = set()
        self._wanted_changed = asyncio.Event()
        self._channel: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to publish, to receive and to keep the groups."""
        self._tasks = [
            asyncio.ensure_future(self._forever(loop)) for loop in (self._publish, self._receive, self._keep_groups)
        ]

    async def stop(self) -> None:
        """End its tasks. A cancellation is repeated: before Python 3.12 asyncio.wait_for, in redis-py, may lose one."""
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=0.1)

    def publish(self, group: str, message: Message) -> None:
        """Send a message to every other process that joined the group: soon, and without a guarantee."""
        if self._alone and self._alone.get(group, 0.0) > self._clock():
            return
        if len(self._outgoing) >= WAITING_MESSAGES:
            HINTS_DROPPED.add("overflow")
            self._on_lost()
            return
        self._outgoing.append((group, message))
        self._outgoing_waits.set()

    def join(self, group: str) -> None:
        """Join a group soon; `on_joined` is called when its messages arrive."""
        self._wanted.add(group)
        self._wanted_changed.set()

    def leave(self, group: str) -> None:
        """Leave a group."""
        self._wanted.discard(group)
        self._wanted_changed.set()

    async def _forever(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await loop()
            except Exception as error:
                BROKER_FAILURES.value += 1
                logger.warning("The channel layer failed (%r): delivery continues by the sweep", error)
                self._alone.clear()  # announcements may have been lost
                self._outgoing.clear()  # the sweeps of the others are faster than a queue of old hints
                self._on_lost()
            await asyncio.sleep(RETRY_SECONDS)

    async def _publish(self) -> None:
        while True:
            await self._outgoing_waits.wait()
            self._outgoing_waits.clear()
            while self._outgoing:
                number = min(len(self._outgoing), PUBLISHED_AT_ONCE)
                await self._publish_batch([self._outgoing.popleft() for _ in range(number)])

    async def _publish_batch(self, batch: Sequence[tuple[str, Message]]) -> None:
        announcements, joined = self._announcements, [group in self._joined for group, _ in batch]
        sealed = [(group, self._seal.sign(group, message) | {"from": self._sender}) for group, message in batch]
        async with asyncio.timeout(PUBLISH_SECONDS):
            receivers = await self._layer.publish_each(sealed)
        HINTS_SENT.value += len(batch)
        if announcements != self._announcements:  # a group that was joined meanwhile may be among these
            return
        until = self._clock() + ALONE_SECONDS
        for (group, _), was_joined, count in zip(batch, joined, receivers, strict=True):
            # This process itself is the only receiver; where it should be one and is not, its own connection is broken.
            if group != CONTROL and was_joined == (group in self._joined) == count:
                self._alone[group] = until
        if len(self._alone) > ALONE_GROUPS:
            self._alone.clear()

    async def _receive(self) -> None:
        self._channel = await self._layer.new_channel()
        self._joined.clear()
        self._wanted_changed.set()
        while True:
            try:
                sealed = await self._layer.receive(self._channel)
                if sealed.get("from") == self._sender:
                    continue
                message = self._seal.verify(sealed)
            except UNREADABLE as error:
                await self._drop(error)
                continue
            HINTS_RECEIVED.value += 1
            try:
                if message["type"] == ANNOUNCEMENT:
                    self._announcements += 1
                    for group in message["groups"]:
                        self._alone.pop(group, None)
                else:
                    self._on_message(message)
            except Exception:
                logger.exception("A hint could not be read")

    async def _drop(self, error: Exception) -> None:
        self.dropped += 1
        HINTS_DROPPED.add("forged")
        now = asyncio.get_running_loop().time()
        if now - self._reported_at >= REPORT_SECONDS:
            self._reported_at = now
            logger.warning(
                "A message on the channel layer was dropped, %d so far: it was not made with this SECRET_KEY (%r)",
                self.dropped,
                error,
            )
        await asyncio.sleep(0)  # a flood of them yields to everything else

    async def _keep_groups(self) -> None:
        self._wanted_changed.set()
        while True:
            await self._wanted_changed.wait()
            self._wanted_changed.clear()
            channel = self._channel
            if channel is None:
                continue
            unannounced: list[str] = []
            for group in sorted(self._wanted - self._joined):
                await self._layer.group_add(group, channel)
                if self._channel != channel:  # a newer one has started, which has joined nothing
                    break
                self._joined.add(group)
                self._on_joined(group)
                unannounced.append(group)
                if len(unannounced) == ANNOUNCED_AT_ONCE:
                    self.publish(CONTROL, {"type": ANNOUNCEMENT, "from": self._sender, "groups": unannounced})
                    unannounced = []
            if unannounced:
                self.publish(CONTROL, {"type": ANNOUNCEMENT, "from": self._sender, "groups": unannounced})
            for group in sorted(self._joined - self._wanted):
                self._joined.discard(group)  # before it is true: a receiver that is counted may be another process
                await self._layer.group_discard(group, channel)
