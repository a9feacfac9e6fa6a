"""A restore drill: back up, go on writing, lose the database, restore it, and raise the epoch.

Afterwards every device holds exactly what a fresh device loads, and nothing of the lost time, although new events have
the seqs of lost ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fold.devices import Listener
from tests.fold.snapshots import load_room, read_snapshot
from tests.fold.state import Snapshot, differences, view_snapshot
from tests.fold.world import NAMES, World, make_world
from tests.lifecycle.databases import Database, make_database
from tests.sockets import TLS, Account

EPOCH = 1  # of a new database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    yield from make_database(tmp_path)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack, httpx.AsyncClient(verify=TLS, trust_env=False, timeout=30) as http:
        yield await make_world(dict.fromkeys(NAMES, database.server), http, stack)


async def test_devices_end_equal_to_a_fresh_one_after_a_restore(database: Database, world: World) -> None:
    await asyncio.to_thread(database.back_up)
    lost_room = await write_what_will_be_lost(world)
    held = {name: await read_snapshot(who) for name, who in members(world).items()}
    late = await world.bob.another_device()

    await asyncio.to_thread(restore, database)
    await world.post_message(world.alice, "after the restore")  # with the seq of a lost message
    await expect_resets(world, held["bob"])
    devices = {name: await resume(who, held[name]) for name, who in members(world).items()}
    await write_while_devices_listen(world)

    for name, device in devices.items():
        fresh = await read_snapshot(device.viewer)
        await device.catch_up(fresh)
        assert lost_room not in device.state.rooms
        assert differences(device.state.view(), view_snapshot(fresh)) == [], name
        assert "lost" not in str(device.state.view())
    assert (await late.get("/v1/me")).status_code == 401  # the session was made after the backup


def members(world: World) -> dict[str, Account]:
    return {"alice": world.alice, "bob": world.bob, "dora": world.dora}


async def write_what_will_be_lost(world: World) -> str:
    """Write into the room and into a new one, and return the id of the new one."""
    path = f"/v1/rooms/{world.room['id']}"
    for who in (world.bob, world.alice, world.dora):
        await world.post_message(who, "lost")
    edited = await world.bob.patch(f"{path}/messages/{world.messages['bob']['id']}", {"text": "lost too"})
    renamed = await world.alice.patch(path, {"name": "lost name"})
    assert (edited.status_code, renamed.status_code) == (200, 200)
    room = await world.alice.make_room(world.bob, name="lost room")
    return str(room["id"])


def restore(database: Database) -> None:
    """Lose the database, and do what docs/deploy.md says."""
    database.server.stop()
    database.lose()
    database.restore()
    database.manage("prepare")
    database.manage("raise_epoch")
    database.server.start()


async def expect_resets(world: World, held: Snapshot) -> None:
    """Subscribe after the cursors of the lost time; some are below the new heads, and others above."""
    socket = await world.bob.connect()
    for room_id, after in ((world.room["id"], 1), (world.room["id"], 100), (None, held["inbox"])):
        reply = await socket.call("subscribe", room_id=room_id, after=after, epoch=EPOCH)
        assert (reply.status, reply.data["replay"]) == (200, "reset"), reply.frame
        assert reply.data["epoch"] == (await socket.hello())["epoch"] > EPOCH
        assert (await socket.call("unsubscribe", room_id=room_id)).status == 200
    await socket.close()


async def resume(viewer: Account, held: Snapshot) -> Listener:
    """Connect a device that holds this snapshot of the lost time, by the one frame after connecting."""
    socket = await viewer.connect()
    device = Listener(viewer, held, socket, "restored", follows_inbox=True)
    rooms = device.state.cursors
    body: dict[str, Any] = {"rooms": rooms, "inbox": held["inbox"], "epoch": EPOCH, "subscribe": True, "next": None}
    answered = set()
    while True:
        page = (await socket.call("sync", **body)).data
        assert page["epoch"] > EPOCH
        if page["inbox"] is not None:
            assert page["inbox"]["reset"]
            device.state.inbox = page["inbox"]["head"]
        for entry in page["rooms"]:
            assert entry["reset"] is (entry["id"] in rooms)
            answered.add(entry["id"])
            device.state.load(await load_room(viewer, entry["id"]))
        if page["next"] is None:
            break
        body["next"] = page["next"]
    for room_id in rooms.keys() - answered:  # the inbox was reset, so the list of rooms is this answer
        del device.state.rooms[room_id]
    return device


async def write_while_devices_listen(world: World) -> None:
    await world.post_message(world.bob, "live again")
    message_id = world.messages["dora"]["id"]
    edited = await world.dora.patch(f"/v1/rooms/{world.room['id']}/messages/{message_id}", {"text": "edited again"})
    assert edited.status_code == 200
    await world.alice.make_room(world.bob, world.dora, name="new room")
