"""A restored backup: live sockets are reset, and older cursors are answered with a reset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.realtime.deployment import Deployment
from tests.sockets import TLS, Account, join_parley


@pytest.fixture(scope="module")
def restored() -> Iterator[Deployment]:
    """A deployment of its own: an epoch is for everybody."""
    with Deployment(("daphne",)) as deployment:
        yield deployment


@pytest.fixture
async def guest(restored: Deployment) -> AsyncIterator[Account]:
    async with AsyncExitStack() as stack, httpx.AsyncClient(verify=TLS, trust_env=False) as http:
        yield await join_parley(restored.servers[0], http, stack, "guest")


async def test_a_live_socket_is_reset_after_a_restore_and_continues(restored: Deployment, guest: Account) -> None:
    room = await guest.make_room()
    await guest.post_message(room, "before")
    socket = await guest.listen(room, None)

    await asyncio.to_thread(restored.manage, "raise_epoch")

    resets = [await socket.next_event("room.reset") for _ in range(2)]
    await guest.post_message(room, "after")
    await socket.until_message("after")
    epoch = (await guest.get(f"/v1/rooms/{room['id']}")).json()["epoch"]
    assert {event["room_id"] for event in resets} == {room["id"], None}
    assert {event["data"]["epoch"] for event in resets} == {epoch}
    assert socket.texts() == ["after"]


async def test_a_cursor_of_before_a_restore_is_reset(restored: Deployment, guest: Account) -> None:
    room = await guest.make_room()
    await guest.post_message(room, "before")
    await asyncio.to_thread(restored.manage, "raise_epoch")
    socket = await guest.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=1, epoch=room["epoch"])
    synced = await socket.call("sync", rooms={room["id"]: 1}, epoch=room["epoch"])

    assert reply.data["replay"] == "reset"
    assert reply.data["epoch"] == (await socket.hello())["epoch"] > room["epoch"]
    assert [(entry["reset"], entry["room"]["id"]) for entry in synced.data["rooms"]] == [(True, room["id"])]
