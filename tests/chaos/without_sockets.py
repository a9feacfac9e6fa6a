"""Two kinds of device whose network lets no websocket through: one reads event streams, the other polls."""

import asyncio
import time
from typing import Any

import orjson

from tests.chaos.device import HEARTBEAT_SECONDS, Device, Handler, numbers
from tests.chaos.rest import Answer, render, request

LINE_BYTES = 1024 * 1024  # a page of a sync has up to 200 KiB
WAITS_MS = (500, 3_000, 10_000)
LOG_IN = {"code": 4401}  # what a socket would have said of a token that is not valid


class WebDevice(Device):
    """A device that acts by REST alone, and keeps the same cursors."""

    async def act(self, action: str, handler: Handler | None = None, *, only: object = None, **body: Any) -> Answer:
        """Send the REST twin of the one action that has no other caller."""
        assert action == "typing", action
        return await self.rest("POST", f"rooms/{body['room_id']}/typing", body={"on": body["on"]})

    def _body(self) -> dict[str, Any]:
        """Everything that it has, as the body of a sync."""
        self._goodbye, self._followed = None, set[str]()
        if self.forgets:
            self.cursors, self.rooms, self.forgets = {}, set(), False
        rooms = dict(self.cursors)
        return {"inbox": rooms.pop(self.person.id, None), "rooms": rooms, "epoch": 1, "limit": 100}

    def _opened(self) -> None:
        self._conn = next(numbers)
        fields = {"conn": self._conn, "device": self.name, "user": self.person.id}
        self.history.add("open", **fields, session=self.session, server=self.server)

    def _closed(self, code: int) -> None:
        goodbye = self._goodbye and self._goodbye["code"]
        fields = {"conn": self._conn, "device": self.name, "server": self.server}
        self.history.add("close", **fields, code=goodbye or code, goodbye=goodbye)

    def _take(self, page: dict[str, Any], named: dict[str, int]) -> None:
        """Apply a page of a sync."""
        if self.person.id not in self.cursors:
            self._begin_at(self.person.id, page["inbox"]["head"])
        self._take_page(page, named)
        if page["next"] is None:
            self.history.add("caught_up", device=self.name, conn=self._conn)


class StreamDevice(WebDevice):
    """Reads `POST stream`, and comes back with its cursors."""

    _writer: asyncio.StreamWriter | None = None
    _hangs_up = False

    @property
    def is_connected(self) -> bool:
        return self._writer is not None

    async def hang_up(self) -> None:
        """Cut the stream; `live` opens another."""
        if self._writer is not None:
            self._hangs_up = True
            self._writer.transport.abort()

    async def _connect(self) -> None:
        body = self._body()
        port = self.cluster.client_lines[self.server].port
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LINE_BYTES)
        try:
            writer.write(render(port, "POST", "stream", self.token, body))
            status = (await self._line(reader)).split(" ")[1:2]
            while await self._line(reader):
                pass
            if status == ["401"]:
                self._goodbye = LOG_IN
            if status == ["200"]:
                await self._follow_stream(reader, writer, body["rooms"])
        finally:
            self._writer = None
            writer.transport.abort()

    async def _follow_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, named: dict[str, int]
    ) -> None:
        self._opened()
        self._writer, self._hangs_up = writer, False
        try:
            while True:
                line = await self._line(reader)
                self.person.scan(line, "stream")
                if line.startswith("data: "):
                    self._take_frame(orjson.loads(line[6:]), named)
        finally:
            self._closed(1000 if self._hangs_up else 1006)

    async def _line(self, reader: asyncio.StreamReader) -> str:
        """Return the next line. Raises TimeoutError without a comment in time, ConnectionError at the end."""
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            line = await reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError
        return line.decode().rstrip("\r\n")

    def _take_frame(self, frame: dict[str, Any], named: dict[str, int]) -> None:
        data = frame["data"]
        if frame["action"] == "events":
            for event in data:
                self.apply(event, via="live")
        elif frame["action"] == "goodbye":
            self._goodbye = data
        elif frame["action"] == "sync" and frame["response_status"] == 200:
            self._take(data, named)
            if data["next"] is None:  # from here on all of it is live
                self._followed |= {self.person.id, *self.rooms}


class PollDevice(WebDevice):
    """Asks again and again with `wait_ms`; after a failure it first asks without a wait."""

    _poll: asyncio.Task[Answer] | None = None
    _is_behind = True

    @property
    def is_connected(self) -> bool:
        return self._poll is not None and not self._poll.done()

    async def hang_up(self) -> None:
        """Give up the request that waits; `live` sends another."""
        if self._poll is not None:
            self._poll.cancel()

    async def _connect(self) -> None:
        body = self._body()
        wait_ms = 0 if self._is_behind else self.rng.choice(WAITS_MS)
        self._is_behind = True
        answer = await self._ask({**body, "wait_ms": wait_ms}, wait_ms / 1000)
        while answer is not None and answer.status == 200:
            self._take(answer.data, body["rooms"])
            if answer.data["next"] is None:
                self._is_behind = False
                return
            answer = await self._ask({**body, "next": answer.data["next"]}, 0)
        if answer is not None and answer.status == 401:
            self._goodbye = LOG_IN

    async def _ask(self, body: dict[str, Any], seconds: float) -> Answer | None:
        """Send one request; None when the device itself gave it up."""
        line = self.cluster.client_lines[self.server]
        self._opened()
        refused = line.counters.refused
        limit = seconds + HEARTBEAT_SECONDS
        began = time.monotonic()
        asking = request(line.port, "POST", "sync", token=self.token, body=body, seconds=limit)
        self._poll = asyncio.ensure_future(asking)
        try:
            await asyncio.wait([self._poll])
        finally:
            self._poll.cancel()
        if self._poll.cancelled():
            self._closed(1000)
            return None
        answer = self._poll.result()
        self.person.scan(answer.text, "POST sync")
        # A cut is something else than a server that does not answer in time, or that did not listen.
        is_cut = answer.status is None and time.monotonic() - began < limit and line.counters.refused == refused
        self._closed(1006 if is_cut else 1000)
        return answer
