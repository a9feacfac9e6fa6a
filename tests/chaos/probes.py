"""Probes of latency: hints that are lost on purpose, and sockets that are opened during a fault."""

import asyncio
import random
import time
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.chaos import operations as ops
from tests.chaos.cluster import Cluster
from tests.chaos.device import Device, Person
from tests.chaos.history import History
from tests.chaos.rest import Answer
from tests.chaos.workload import end_loops

GIVE_UP_SECONDS = 5.0
POLL_SECONDS = 0.004


class Prober:
    """Two devices in a room of their own, on two processes: one sends, the other receives."""

    def __init__(self, cluster: Cluster, history: History) -> None:
        self.cluster, self.history = cluster, history
        person = Person("prober", history)
        self.sender, self.receiver = (Device(person, number, cluster, random.Random(number)) for number in (0, 1))
        self.sender.home, self.receiver.home = 0, 1
        self._loops: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Register, make the room, connect."""
        for device in (self.sender, self.receiver):
            await device.enter(first=device is self.sender)
            self.history.add("device", device=device.name, user=device.person.id, slow=False, tied=True)
        self.history.add("user", user=self.sender.person.id, name="prober")
        answer = await self.sender.rest("POST", "rooms", body={"kind": "private", "name": "probes"})
        self.room = answer.data["id"]
        self._loops = [asyncio.create_task(device.live()) for device in (self.sender, self.receiver)]
        await self._until(lambda: self.room in self.receiver.cursors and self.sender.socket is not None)

    async def end(self) -> None:
        """Close both devices."""
        await end_loops(self._loops)

    async def lose_last(self) -> None:
        """Lose a hint that no other follows: only the sweep can repair it."""
        answer = await self._send("[drop] last")
        await self._measure("hint_last", answer, answer)

    async def lose_one(self) -> None:
        """Lose a hint that another follows: the hole is noticed and repaired."""
        lost, following = await self._send("[drop] hole"), await self._send("after the hole")
        await self._measure("hint_gap", lost, following)

    async def open_socket(self, server: int) -> None:
        """Open a socket and wait for its hello."""
        began = time.time()
        headers = {"Authorization": f"Bearer {self.sender.token}"}
        url = f"ws://127.0.0.1:{self.cluster.client_lines[server].port}/v1/ws"
        ok = False
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS), connect(url, additional_headers=headers) as socket:
                ok = '"hello"' in str(await socket.recv())
        except (OSError, TimeoutError, WebSocketException):
            pass
        self.history.add("probe", what="connect", ok=ok, ms=round((time.time() - began) * 1000), server=server)

    async def read_status(self, server: int) -> int | None:
        """The status of a plain read at a server."""
        return (await self.sender.rest("GET", "rooms", server=server)).status

    async def _send(self, text: str) -> tuple[Answer, float]:
        body: dict[str, Any] = {"client_id": uuid4().hex, "text": f"{text} {ops.canary()}"}
        action: tuple[str, dict[str, Any]] = ("send_message", {"room_id": self.room, **body})
        answer, done = await ops.call(self.sender, "send", via="ws", action=action, room=self.room, **body)
        return answer, done["t"]

    async def _measure(self, what: str, lost: tuple[Answer, float], since: tuple[Answer, float]) -> None:
        if lost[0].status != 201 or since[0].status != 201:
            return
        seq = lost[0].data["seq"]
        ok = await self._until(lambda: self.receiver.cursors.get(self.room, 0) >= seq)
        self.history.add("probe", what=what, ok=ok, ms=max(0, round((time.time() - since[1]) * 1000)), server=1)

    async def _until(self, ready: Any) -> bool:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True
