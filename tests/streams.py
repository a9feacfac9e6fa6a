"""A client of event streams: `POST stream`, read as server-sent events, with the waits of a socket's client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import httpx
import orjson

from tests.recording import record
from tests.servers import ParleyServer
from tests.sockets import Account, Socket


class Stream(Socket):
    """One stream: `frames` has every frame, `comments` counts the comments."""

    response: httpx.Response

    def __init__(self) -> None:
        super().__init__(connection=None)  # type: ignore[arg-type]
        self.comments = 0

    @classmethod
    async def follow(cls, account: Account, body: object, server: ParleyServer | None = None) -> Self:
        """Open a stream that is closed with the test. A refusal leaves `response` with its problem."""
        stream = cls()
        headers = {"Authorization": f"Bearer {account.token}", "Accept": "text/event-stream"}
        url = f"{(server or account.server).url}/v1/stream"
        request = account.http.build_request("POST", url, json=body, headers=headers, timeout=60)
        stream.response = await account.http.send(request, stream=True)
        account.stack.push_async_callback(stream.close)
        if stream.response.status_code == 200:
            stream._record_response("data: {}\n\n")
            stream.read()
        else:
            await stream.response.aread()
            stream._record_response(stream.response.json())
        return stream

    def _record_response(self, body: object) -> None:
        status, content_type = self.response.status_code, self.response.headers["content-type"]
        answer = {"method": "POST", "path": "/v1/stream", "status": status, "content_type": content_type, "body": body}
        record("received", "rest", answer)

    async def _read(self) -> None:
        try:
            async for event in self._events():
                frame = orjson.loads(event.removeprefix("data: "))
                record("received", "socket", frame)
                await self._store(frame)
        except httpx.HTTPError:
            pass
        finally:
            self._ended = True
            await self._store(None)

    async def _events(self) -> AsyncIterator[str]:
        """Yield the one line of each event."""
        lines: list[str] = []
        async for line in self.response.aiter_lines():
            if line.startswith(":"):
                self.comments += 1
            elif line:
                lines.append(line)
            elif lines:
                [event] = lines
                lines = []
                yield event

    async def synced(self) -> None:
        """Wait for the sync of a stream that has one page of it: later events come live."""
        await self.find(lambda frame: frame["action"] == "sync")

    async def goodbye(self) -> dict[str, Any]:
        """Wait until the server has ended the response, and return the data of its last frame."""
        await self._until(lambda: self._ended or None, "the end")
        assert self.frames[-1]["action"] == "goodbye", self.frames[-1]
        data: dict[str, Any] = self.frames[-1]["data"]
        return data

    async def close(self) -> None:
        """Cut the connection."""
        await self.response.aclose()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])


async def cursors(account: Account) -> dict[str, Any]:
    """The body with which a client goes on that has everything until now."""
    page = (await account.post("/v1/sync", {})).json()
    rooms = {room["id"]: room["head"] for room in page["rooms"]}
    return {"rooms": rooms, "inbox": page["inbox"]["head"], "epoch": page["epoch"]}
