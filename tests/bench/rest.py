"""REST: a page of history, the list of rooms, a send; against a short room and a very long one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from tests.bench.fanout import percentiles
from tests.bench.processes import cpu_seconds
from tests.bench.results import Row, median
from tests.bench.servers import Backing, Parley

CLIENTS = 4
PAGE = 50
ROOMS = 100
WARM_UP_SECONDS = 0.5

MakeRequest = Callable[[], tuple[str, str, Any]]  # method, path, body
Check = Callable[[Any], bool]


class Rest:
    """Some clients of one user, which each send the next request as soon as the last is answered."""

    def __init__(self, parley: Parley, backing: Backing, token: str) -> None:
        self.parley, self.backing, self.token = parley, backing, token

    async def measure(self, make_request: MakeRequest, check: Check, *, runs: int, seconds: float, **row: Any) -> Row:
        """Requests per second and CPU of each."""
        rates, cpus, backings, p50s, p99s = [], [], [], [], []
        async with httpx.AsyncClient(
            base_url=self.parley.process.url, headers={"Authorization": f"Bearer {self.token}"}, trust_env=False
        ) as http:
            await self._run(http, make_request, check, WARM_UP_SECONDS)
            for _ in range(runs):
                cpu, backing = cpu_seconds([self.parley.process.pid]), cpu_seconds(self.backing.pids)
                began = time.perf_counter()
                took = await self._run(http, make_request, check, seconds)
                rates.append(len(took) / (time.perf_counter() - began))
                cpus.append((cpu_seconds([self.parley.process.pid]) - cpu) / len(took) * 1e6)
                backings.append((cpu_seconds(self.backing.pids) - backing) / len(took) * 1e6)
                p50, p99 = percentiles(took)
                p50s.append(p50)
                p99s.append(p99)
        return Row(
            operation="request",
            cpu_us=median(cpus),
            per_second=median(rates),
            p50_ms=median(p50s),
            p99_ms=median(p99s),
            backing_us=median(backings),
            runs_us=cpus,
            **row,
        )

    async def _run(self, http: httpx.AsyncClient, make_request: MakeRequest, check: Check, seconds: float) -> list[int]:
        until, took = time.perf_counter() + seconds, []

        async def client() -> None:
            while time.perf_counter() < until:
                method, path, body = make_request()
                began = time.perf_counter_ns()
                answer = await http.request(method, path, json=body)
                took.append(time.perf_counter_ns() - began)
                if not check(answer.raise_for_status().json()):
                    raise AssertionError(f"{method} {path}: {answer.text[:300]}")

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return took


def is_page(answer: Any) -> bool:
    """Fifty messages in order."""
    seqs = [message["seq"] for message in answer["results"]]
    return len(seqs) == PAGE and seqs == list(range(seqs[0], seqs[0] + PAGE))


async def measure_room(
    parley: Parley, backing: Backing, name: str, messages: int, *, runs: int = 3, seconds: float = 1.5
) -> list[Row]:
    """History anywhere in the room, its newest page, and sends to it."""
    seeded = await asyncio.to_thread(parley.seed, 2, [[0, 1]], messages)
    room, random, numbers = seeded.rooms[0], Random(7), count()
    rest = Rest(parley, backing, seeded.users[1]["token"])
    base = f"/v1/rooms/{room}/messages"

    def anywhere() -> tuple[str, str, Any]:
        return "GET", f"{base}?limit={PAGE}&before={random.randrange(PAGE + 10, messages)}", None

    def send() -> tuple[str, str, Any]:
        return "POST", base, {"client_id": uuid4().hex, "text": f"{next(numbers)}".ljust(100, "x")}

    requests: Sequence[tuple[str, MakeRequest, Check]] = [
        ("history page of 50", anywhere, is_page),
        ("newest page of 50", lambda: ("GET", f"{base}?limit={PAGE}", None), is_page),
        ("send by REST", send, lambda answer: len(answer["text"]) == 100),
    ]
    return [
        await rest.measure(
            make_request, check, runs=runs, seconds=seconds, server=name, workload=f"{what}, {messages:,} messages",
            family=f"{what}, by messages in the room", size=messages,
        )
        for what, make_request, check in requests
    ]  # fmt: skip


async def measure_rooms(
    parley: Parley, backing: Backing, name: str, rooms: int = ROOMS, *, runs: int = 3, seconds: float = 1.5
) -> list[Row]:
    """The list of the rooms, each with its last message and its unread count."""
    unread = 20
    seeded = await asyncio.to_thread(parley.seed, 2, [[0, 1]] * rooms, unread)
    rest = Rest(parley, backing, seeded.users[1]["token"])

    def is_list(answer: Any) -> bool:
        # The service sent one message; the others were written directly to the tables.
        return len(answer["results"]) == rooms and all(room["me"]["unread"] == unread + 1 for room in answer["results"])

    row = await rest.measure(
        lambda: ("GET", f"/v1/rooms?limit={rooms}", None), is_list, runs=runs, seconds=seconds, server=name,
        workload=f"list of {rooms} rooms with unread", family="list of rooms, by rooms", size=rooms,
    )  # fmt: skip
    return [row]
