"""The honest users beside an attack: four people who write, and read a page of history, in one room."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import orjson
import websockets

from tests.sockets import TLS

PEOPLE, SECONDS_PER_TURN = 4, 0.25


@dataclass
class Felt:
    """The latencies that people felt, in milliseconds, and their failures."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def p50(self) -> float:
        return statistics.median(self.latencies) if self.latencies else float("inf")

    @property
    def p99(self) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * 0.99)] if self.latencies else float("inf")


async def live(url: str, world: dict[str, Any], seconds: float) -> Felt:
    """Let the people live for so long."""
    felt, until = Felt(), time.monotonic() + seconds
    await asyncio.gather(*(_person(url, world, -1 - number, until, felt) for number in range(PEOPLE)))
    return felt


async def _person(url: str, world: dict[str, Any], user: int, until: float, felt: Felt) -> None:
    headers = {"Authorization": f"Bearer {world['tokens'][user]}", "X-Forwarded-For": f"192.0.2.{-user}"}
    room, number = world["honest"], 0
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30, verify=TLS) as http:
        while time.monotonic() < until:
            try:
                async with websockets.connect(
                    url.replace("http", "ws", 1) + "/v1/ws", additional_headers=headers, compression=None
                ) as socket:
                    while time.monotonic() < until:
                        await asyncio.sleep(SECONDS_PER_TURN * (0.5 + number % 2))
                        number += 1
                        began = time.perf_counter()
                        if number % 3:
                            await _send(socket, room)
                        else:
                            (await http.get(f"/v1/rooms/{room}/messages?limit=20")).raise_for_status()
                        felt.latencies.append((time.perf_counter() - began) * 1000)
            except (OSError, TimeoutError, RuntimeError, httpx.HTTPError, websockets.WebSocketException):
                felt.failures += 1
                await asyncio.sleep(0.2)


async def _send(socket: Any, room: str) -> None:
    request_id = uuid4().hex
    frame = {"action": "send_message", "request_id": request_id, "room_id": room}
    await socket.send(orjson.dumps(frame | {"client_id": request_id, "text": "Good morning."}).decode())
    while True:
        answer = orjson.loads(await socket.recv())
        if answer.get("request_id") == request_id:
            if answer["errors"]:
                raise RuntimeError(answer["errors"])
            return
