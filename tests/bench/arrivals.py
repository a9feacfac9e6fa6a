"""Workloads of `tests.bench.pairs`: devices that connect, and devices that return with 200 missed events.

A device that "missed" events names a cursor that many seqs below the head, so no message is sent between two runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import orjson
import websockets

from tests.bench.crowd import Crowd
from tests.bench.dialects import Dialect
from tests.bench.sockets import MISSED_BY_ONE, SPREAD, CountedSync, plan

DEVICES = 100
PASSWORD = "correct-horse-battery"


@dataclass
class Devices:
    """A hundred users with a device each, in ten of a hundred private rooms, and the heads of the rooms."""

    ws_url: str
    tokens: list[str]
    rooms: list[str]
    heads: dict[str, int]

    @classmethod
    async def make(cls, url: str, ws_url: str) -> Devices:
        """Register the users, and create the rooms with 20 messages each."""
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            users = [await _register(http) for _ in range(DEVICES + 1)]
            *tokens, owner = [user["token"] for user in users]
            http.headers["Authorization"] = f"Bearer {owner}"
            rooms = []
            for members in plan(DEVICES):
                ids = [users[number]["user"]["id"] for number in members if number < DEVICES]
                body = {"kind": "private", "name": "Room", "members": ids}
                rooms.append((await http.post("/v1/rooms", json=body)).raise_for_status().json()["id"])
        return cls(ws_url, tokens, rooms, await _fill(ws_url, owner, rooms))

    async def arrive(self, dialect: Dialect, count: int, *, at_once: bool) -> int:
        """Open sockets in ten rooms each, together or one after the other, and close them."""
        step = DEVICES if at_once else 1
        for first in range(0, count, step):
            places = [place % DEVICES for place in range(first, first + step)]
            crowd = Crowd(self.ws_url, dialect)
            await crowd.join(
                [self.tokens[place] for place in places], [self.rooms[place % SPREAD :: SPREAD] for place in places]
            )
            await crowd.close()
            if crowd.errors:
                raise RuntimeError(crowd.errors[:3])
        return count

    def returning(self, *, by_sync: bool) -> CountedSync:
        """The dialect of devices that missed 20 messages of each room."""
        cursors = {room: head - MISSED_BY_ONE for room, head in self.heads.items()}
        return CountedSync(cursors, by_sync)


async def _register(http: httpx.AsyncClient) -> Any:
    body = {"username": f"d{uuid4().hex[:12]}", "password": PASSWORD}
    return (await http.post("/v1/auth/register", json=body)).raise_for_status().json()


async def _fill(ws_url: str, token: str, rooms: Sequence[str]) -> dict[str, int]:
    """Send the messages of each room in one frame; return the heads of the rooms."""
    heads = {}
    protocols = [websockets.Subprotocol("chat.v1"), websockets.Subprotocol(f"bearer.{token}")]
    async with websockets.connect(f"{ws_url}/v1/ws", subprotocols=protocols, compression=None) as socket:
        for room in rooms:
            items = [{"client_id": uuid4().hex, "text": "A line of an ordinary length."} for _ in range(MISSED_BY_ONE)]
            frame = {"action": "send_messages", "request_id": room, "room_id": room, "items": items}
            await socket.send(orjson.dumps(frame).decode())
            while (reply := orjson.loads(await socket.recv())).get("request_id") != room:
                pass
            heads[room] = max(item["seq"] for item in reply["data"]["results"])
    return heads
