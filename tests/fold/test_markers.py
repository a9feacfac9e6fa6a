"""A read marker moves by own sends in the room's stream and by marks in the inbox, also at the same time."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.fold.devices import listen, replay, sync
from tests.fold.snapshots import read_snapshot
from tests.fold.state import differences, view_snapshot
from tests.fold.world import make_world, new_message
from tests.realtime.deployment import HAS_REDIS, Deployment
from tests.servers import ParleyServer
from tests.sockets import Account

ROUNDS = (
    12 if HAS_REDIS else 3
)  # on SQLite writes wait for each other, and another process receives them a second later


async def test_all_devices_agree_after_a_concurrent_send_and_mark_unread(
    deployment: Deployment, servers: dict[str, ParleyServer], http: httpx.AsyncClient, stack: AsyncExitStack
) -> None:
    """All devices agree with REST, in whatever order the two writes are committed."""
    world = await make_world(servers, http, stack)
    path = f"/v1/rooms/{world.room['id']}"

    for _ in range(ROUNDS):
        before = await read_snapshot(world.bob)
        listener = await listen(world.bob, before, await world.bob.connect())

        await asyncio.gather(
            _answer(world.bob, path, deployment.servers[0]), _mark_unread(world.bob, path, deployment.servers[1])
        )

        after = await read_snapshot(world.bob)
        await listener.catch_up(after)
        for device in (listener, await replay(world.bob, before), await sync(world.bob, before)):
            assert differences(device.state.view(), view_snapshot(after)) == [], device.way
        await listener.socket.close()


async def _answer(who: Account, path: str, server: ParleyServer) -> None:
    response = await who.request("POST", f"{path}/messages", new_message("on my way"), server=server)
    assert response.status_code == 201, response.text


async def _mark_unread(who: Account, path: str, server: ParleyServer) -> None:
    response = await who.request("POST", f"{path}/unread", {"seq": 3}, server=server)
    assert response.status_code == 200, response.text
