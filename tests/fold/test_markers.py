"""A read marker moves in two streams: by own sends in the room, by marks in the inbox. At once, too."""

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

ROUNDS = 12 if HAS_REDIS else 3  # SQLite lets nobody write at once, and another process hears a second late


async def test_all_devices_agree_after_a_concurrent_send_and_mark_unread(
    deployment: Deployment, servers: dict[str, ParleyServer], http: httpx.AsyncClient, stack: AsyncExitStack
) -> None:
    """Whichever of the two came last, all devices agree with REST."""
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
