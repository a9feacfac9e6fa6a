"""A channel layer that loses, doubles, delays and reorders hints, freezes, and breaks off."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from typing import Any

LOST = 0.12
DOUBLED = 0.06
LATE = 0.10


class Network:
    """The network that all processes share: group members, and its present faults."""

    def __init__(self, rng: random.Random, loop: asyncio.AbstractEventLoop) -> None:
        self.rng, self.loop = rng, loop
        self.members: dict[str, dict[str, Layer]] = {}
        self.frozen: asyncio.Event | None = None  # set once it thaws
        self.down = False

    def freeze(self) -> None:
        """Stop all deliveries."""
        self.frozen = self.frozen or asyncio.Event()

    def thaw(self) -> None:
        """Resume the deliveries."""
        if self.frozen is not None:
            self.frozen.set()
            self.frozen = None

    def carry(self, group: str, message: dict[str, Any]) -> None:
        """Deliver a message to each member of a group, with the present faults."""
        for channel, layer in list(self.members.get(group, {}).items()):
            if self.rng.random() < LOST:
                continue
            for _ in range(2 if self.rng.random() < DOUBLED else 1):
                late = self.rng.random() < LATE
                delay = self.rng.uniform(0.05, 2.5) if late else self.rng.uniform(0.0005, 0.02)
                self.loop.call_later(delay, layer.arrive, channel, message)


class Layer:
    """One process's connection."""

    def __init__(self, network: Network, name: str) -> None:
        self.network, self.name = network, name
        self.channel: str | None = None
        self.made = 0
        self.inbox: deque[dict[str, Any]] = deque()
        self.waiter: asyncio.Future[None] | None = None

    async def _pass(self) -> None:
        while self.network.frozen is not None:
            await self.network.frozen.wait()
        if self.network.down:
            raise ConnectionError("Nobody listens")

    async def new_channel(self) -> str:
        """Return the name of a new channel."""
        await self._pass()
        self.made += 1
        self.channel = f"{self.name}.{self.made}"
        self.inbox.clear()
        return self.channel

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message."""
        while True:
            if channel != self.channel:
                raise ConnectionError("The connection broke")
            if self.inbox and self.network.frozen is None:
                return self.inbox.popleft()
            self.waiter = self.network.loop.create_future()
            if self.inbox:
                await self._pass()
            else:
                await self.waiter

    async def group_add(self, group: str, channel: str) -> None:
        """Join a group."""
        await asyncio.sleep(self.network.rng.uniform(0.0003, 0.01))
        await self._pass()
        if channel != self.channel:
            raise ConnectionError("The connection broke")
        self.network.members.setdefault(group, {})[channel] = self

    async def group_discard(self, group: str, channel: str) -> None:
        """Leave a group."""
        self.network.members.get(group, {}).pop(channel, None)

    async def publish_each(self, messages: Sequence[tuple[str, dict[str, Any]]]) -> list[int]:
        """Send messages to groups; return the number of members of each."""
        await self._pass()
        receivers = [len(self.network.members.get(group, {})) for group, _ in messages]
        for group, message in messages:
            self.network.carry(group, message)
        await asyncio.sleep(self.network.rng.uniform(0.0003, 0.01))  # a process may join before the answer is here
        return receivers

    def arrive(self, channel: str, message: dict[str, Any]) -> None:
        """Take a message, unless the connection has been replaced since it was sent."""
        if channel == self.channel:
            self.inbox.append(message)
            self._wake()

    def break_off(self) -> None:
        """Break the connection: messages on their way are lost, and all groups are left."""
        for members in self.network.members.values():
            members.pop(self.channel or "", None)
        self.channel = None
        self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
