"""`POST sync` with `wait_ms`: the answer waits for the first event that it would have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api.shares import READS
from tests.realtime.deployment import ONCE
from tests.realtime.test_robustness import held, let_go
from tests.servers import ParleyServer
from tests.sockets import PATIENCE, Account
from tests.streams import cursors

LONG = 30_000


async def is_waiting(account: Account, count: int) -> None:
    """Wait until the process has so many requests that wait."""
    async with asyncio.timeout(PATIENCE):
        while (await held(account.http, account.server))["waiters"] != count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


@asynccontextmanager
async def poll(account: Account, body: dict[str, Any] | None = None) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A sync of everything that the account misses from now on; inside, it waits."""
    body = {**(await cursors(account) if body is None else body), "wait_ms": LONG}
    before = (await held(account.http, account.server))["waiters"]
    task = asyncio.ensure_future(account.post("/v1/sync", body))
    await is_waiting(account, before + 1)
    yield task
    async with asyncio.timeout(PATIENCE):
        await task


async def test_a_message_of_another_process_ends_the_wait(alice: Account, bob: Account, there: ParleyServer) -> None:
    room = await alice.make_room(bob)

    async with poll(bob) as waiting:
        message = await alice.post_message(room, "Tea?", server=there)

    page = (await waiting).json()
    assert [(entry["id"], entry["head"]) for entry in page["rooms"]] == [(room["id"], 2)]
    assert [event["data"]["id"] for event in page["rooms"][0]["events"]] == [message["id"]]
    assert (page["removed"], page["inbox"]["events"], page["next"]) == ([], [], None)


@ONCE
async def test_an_answer_with_something_does_not_wait(alice: Account) -> None:
    room = await alice.make_room()

    began = time.monotonic()
    answer = await alice.post("/v1/sync", {"rooms": {room["id"]: 0}, "wait_ms": LONG})

    assert [event["seq"] for event in answer.json()["rooms"][0]["events"]] == [1]
    assert time.monotonic() - began < PATIENCE


@ONCE
async def test_an_answer_without_anything_comes_after_the_time(alice: Account) -> None:
    await alice.make_room()
    body = await cursors(alice)

    began = time.monotonic()
    answer = await alice.post("/v1/sync", {**body, "wait_ms": 400})

    inbox = {"head": body["inbox"], "events": [], "limited": None, "reset": False}
    assert answer.json() == {"rooms": [], "removed": [], "inbox": inbox, "epoch": body["epoch"], "next": None}
    assert time.monotonic() - began >= 0.4


async def add(alice: Account, bob: Account, room: dict[str, Any]) -> None:
    await alice.make_room(bob, client_id="another")


async def remove(alice: Account, bob: Account, room: dict[str, Any]) -> None:
    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")


async def read(alice: Account, bob: Account, room: dict[str, Any]) -> None:
    device = await bob.another_device()
    await device.post(f"/v1/rooms/{room['id']}/read", {"seq": 2})


@ONCE
@pytest.mark.parametrize(
    ("change", "parts"),
    [(add, {"rooms", "inbox"}), (remove, {"removed", "inbox"}), (read, {"inbox"})],
)
async def test_every_kind_of_change_ends_the_wait(
    alice: Account, bob: Account, change: Callable[..., Any], parts: set[str]
) -> None:
    room = await alice.make_room(bob)
    await alice.post_message(room, "Tea?")

    async with poll(bob) as waiting:
        await change(alice, bob, room)

    page = (await waiting).json()
    found = {name for name in ("rooms", "removed") if page[name]} | ({"inbox"} if page["inbox"]["events"] else set())
    assert found & parts  # one of several events is enough to answer
    assert found <= parts


@ONCE
async def test_typing_does_not_end_the_wait(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)

    async with poll(bob) as waiting:
        typing = await alice.post(f"/v1/rooms/{room['id']}/typing", {"on": True})
        await alice.post_message(room, "Tea?")

    assert typing.status_code == 204
    assert [event["type"] for event in (await waiting).json()["rooms"][0]["events"]] == ["message.created"]


@ONCE
async def test_an_event_between_two_polls_is_in_the_second(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    body = await cursors(bob)

    for number in range(2, 6):
        await alice.post_message(room, f"m{number}")
        page = (await bob.post("/v1/sync", {**body, "wait_ms": LONG})).json()
        assert [event["seq"] for event in page["rooms"][0]["events"]] == [number]
        body["rooms"][room["id"]] = number


async def test_the_end_of_the_session_ends_the_wait(alice: Account) -> None:
    async with poll(alice) as waiting:
        await (await alice.another_device()).delete(f"/v1/auth/sessions/{alice.session['id']}")

    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.invalid_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@ONCE
async def test_a_third_waiter_ends_the_oldest(alice: Account, here: ParleyServer) -> None:
    body = await cursors(alice)

    async with poll(alice, body) as first, poll(alice, body) as second:
        third = asyncio.ensure_future(alice.post("/v1/sync", {**body, "wait_ms": LONG}))
        answer = await asyncio.wait_for(first, PATIENCE)
        is_second_done = second.done()
        await alice.make_room()

    assert (answer.status_code, answer.json()["rooms"]) == (200, [])
    assert not is_second_done
    assert [len(each.json()["rooms"]) for each in (await second, await third)] == [1, 1]


async def test_a_client_that_is_gone_leaves_nothing_behind(
    alice: Account, here: ParleyServer, http: httpx.AsyncClient
) -> None:
    await alice.make_room()
    body = await cursors(alice)
    before = await held(http, here)
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": f"Bearer {alice.token}"}
        task = asyncio.ensure_future(
            client.post(f"{here.url}/v1/sync", json={**body, "wait_ms": LONG}, headers=headers, timeout=60)
        )
        await is_waiting(alice, before["waiters"] + 1)
        task.cancel()

    await let_go(http, here, before)


@ONCE
async def test_waiting_polls_hold_no_thread(alice: Account, here: ParleyServer) -> None:
    """More of them wait than the process has threads for large reads, of this user and of all."""
    devices = [alice, *[await alice.another_device() for _ in range(READS)]]
    body = {**await cursors(alice), "wait_ms": LONG}
    before = (await held(alice.http, here))["waiters"]
    polls = [asyncio.ensure_future(device.post("/v1/sync", body)) for device in devices]
    await is_waiting(alice, before + len(devices))

    answer = await alice.post("/v1/sync", {})
    rooms = await alice.get("/v1/rooms")

    assert (answer.status_code, rooms.status_code) == (200, 200)
    await alice.make_room()
    assert [len((await each).json()["rooms"]) for each in polls] == [1] * len(devices)


@ONCE
async def test_a_page_of_next_does_not_wait(alice: Account) -> None:
    rooms = [await alice.make_room() for _ in range(2)]
    body = {"rooms": {room["id"]: 0 for room in rooms}, "limit": 1, "inbox": (await cursors(alice))["inbox"]}
    page = (await alice.post("/v1/sync", body)).json()

    while page["next"]:
        page = (await alice.post("/v1/sync", {**body, "next": page["next"], "wait_ms": LONG})).json()

    assert page["next"] is None


@ONCE
@pytest.mark.parametrize("wait_ms", [-1, 30_001, "1", 1.5])
async def test_a_wrong_wait_is_refused(alice: Account, wait_ms: object) -> None:
    answer = await alice.post("/v1/sync", {"wait_ms": wait_ms})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "wait_ms")


@ONCE
async def test_a_wait_of_null_is_none(alice: Account) -> None:
    assert (await alice.post("/v1/sync", {"wait_ms": None})).status_code == 200
