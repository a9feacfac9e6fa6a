"""Clients that do not read: one silent, one that sends all the time. The server must close both."""

import asyncio
import contextlib
import socket
import time

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.chaos.cluster import Cluster
from tests.chaos.device import Device
from tests.chaos.history import History
from tests.chaos.workload import Workload, end_loops

EPISODE_SECONDS = 25.0  # with the shorter liveness of the harness the end comes after about ten
LOOK_SECONDS = 5.0
SMALL_BUFFER = 4096


class OddOnes:
    """Each logs in as a device of its own, subscribes and never reads."""

    def __init__(self, cluster: Cluster, history: History, workload: Workload) -> None:
        self.cluster, self.history, self.workload = cluster, history, workload
        self._loops: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Log both in."""
        for number, chatty in ((10, False), (11, True)):
            person = self.workload.people[number]
            device = Device(person, 9, self.cluster, person.devices[0].rng)
            await device.enter(first=False)
            self._loops.append(asyncio.create_task(self._live(device, chatty)))

    async def end(self) -> None:
        """Stop."""
        await end_loops(self._loops)

    async def _live(self, device: Device, chatty: bool) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, WebSocketException):
                await self._episode(device, chatty)
            await asyncio.sleep(1)

    async def _episode(self, device: Device, chatty: bool) -> None:
        server = device.rng.randrange(self.cluster.size)
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.cluster.client_lines[server].port))
        async with connect(
            "ws://127.0.0.1/v1/ws",
            sock=raw,
            additional_headers={"Authorization": f"Bearer {device.token}"},
            compression=None,
            ping_interval=None,
            close_timeout=1,
            max_queue=1,
        ) as odd:
            began = time.time()
            hot = self.workload.rooms["hot"]
            await odd.send(orjson.dumps({"action": "subscribe", "room_id": hot, "after": 0}).decode())
            await self._refuse_to_read(odd, chatty)
            received: list[str] = []
            code = await self._look(odd, received)
        seconds = round(time.time() - began, 1)
        name = "chatty" if chatty else "silent"
        self.history.add(
            "odd", name=name, server=server, seconds=seconds, began=began, code=code, received=received[:4]
        )

    async def _refuse_to_read(self, odd: ClientConnection, chatty: bool) -> None:
        deadline = time.monotonic() + EPISODE_SECONDS
        with contextlib.suppress(ConnectionClosed):
            while time.monotonic() < deadline:
                if chatty:
                    await odd.send('{"action":"ping"}')
                await asyncio.sleep(1)

    async def _look(self, odd: ClientConnection, received: list[str]) -> int | None:
        """Return the code of the close, and add the frames before it to `received`; None while it is open."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                while True:
                    received.append(str(await odd.recv())[:120])
        except TimeoutError:
            return None
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
