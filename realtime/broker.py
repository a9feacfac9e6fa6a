"""The channel layer as the hub uses it: one bounded task publishes hints, and one channel receives them.

No request, action or subscription ever awaits it: a hint may be lost, and the sweep repairs the feed. Redis is not
trusted either: a message that fails its HMAC is counted and dropped.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from channels.layers import BaseChannelLayer

from realtime.metrics import BROKER_FAILURES, HINTS_DROPPED, HINTS_RECEIVED, HINTS_SENT
from realtime.seal import Forged, Message, Seal

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 1
RETRY_SECONDS = 1
WAITING_MESSAGES = 2_000
CONTROL = "control"
REPORT_SECONDS = 10.0  # between two lines about dropped messages
# Raised by the layer and the seal for bytes that no Parley process has sent; a lost connection raises none of these.
UNREADABLE = (Forged, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)


class Broker:
    """One channel of the layer for the whole process; it joins the group of each stream that is local."""

    def __init__(
        self,
        layer: BaseChannelLayer,
        *,
        seal: Seal,
        on_message: Callable[[Message], None],
        on_joined: Callable[[str], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._layer = layer
        self._seal = seal
        self.dropped = 0  # messages that were not ours, were damaged or came too late
        self._reported_at = -REPORT_SECONDS
        self._on_message = on_message
        self._on_joined = on_joined
        self._on_lost = on_lost
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
        """End its tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def publish(self, group: str, message: Message) -> None:
        """Send a message to every process that joined the group: soon, and without a guarantee."""
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
                self._outgoing.clear()  # the sweeps of the others are faster than a queue of old hints
                self._on_lost()
            await asyncio.sleep(RETRY_SECONDS)

    async def _publish(self) -> None:
        while True:
            await self._outgoing_waits.wait()
            self._outgoing_waits.clear()
            while self._outgoing:
                group, message = self._outgoing.popleft()
                async with asyncio.timeout(PUBLISH_SECONDS):
                    await self._layer.group_send(group, self._seal.close(group, message))
                HINTS_SENT.value += 1

    async def _receive(self) -> None:
        self._channel = await self._layer.new_channel()
        self._joined.clear()
        self._wanted_changed.set()
        while True:
            try:
                message = self._seal.open(await self._layer.receive(self._channel))
            except UNREADABLE as error:
                await self._drop(error)
                continue
            HINTS_RECEIVED.value += 1
            try:
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
            for group in sorted(self._wanted - self._joined):
                await self._layer.group_add(group, channel)
                if self._channel != channel:  # a newer one has started, which has joined nothing
                    break
                self._joined.add(group)
                self._on_joined(group)
            for group in sorted(self._joined - self._wanted):
                await self._layer.group_discard(group, channel)
                self._joined.discard(group)
