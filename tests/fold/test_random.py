"""Random actions of several users in several rooms, from a seed: at the end every fold equals the REST snapshot."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from random import Random

import httpx
import pytest

from tests.fold.devices import Device, listen, listen_by_sync, replay, sync
from tests.fold.random_actions import RandomActions
from tests.fold.snapshots import read_snapshot
from tests.fold.state import Snapshot, differences, view_snapshot
from tests.fold.world import make_world
from tests.servers import ParleyServer
from tests.sockets import Account

SEEDS = (2,)  # one is five seconds; add some to look for more
ACTIONS = 150
LEAST = 1 / 3  # of the actions must have been accepted, or the run proves little


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_folded_events_of_random_actions_equal_the_new_snapshot(
    seed: int, servers: dict[str, ParleyServer], http: httpx.AsyncClient, stack: AsyncExitStack
) -> None:
    world = await make_world(servers, http, stack)
    actions = RandomActions(Random(seed), list(world.people.values()))
    await actions.begin(world.room)
    people = world.people
    before = {name: await read_snapshot(who) for name, who in people.items()}
    listeners = [
        (name, await way(who, before[name], await who.connect()))
        for name, who in people.items()
        for way in (listen, listen_by_sync)
    ]

    for _ in range(ACTIONS):
        await actions.go_on()
        if actions.random.random() < 0.1:
            await asyncio.gather(*(listener.take() for _, listener in listeners))

    after = {name: await read_snapshot(who) for name, who in people.items()}
    assert actions.allowed > LEAST * ACTIONS
    await asyncio.gather(*(one.catch_up(after[name]) for name, one in listeners))
    late = [(name, await way(who, before[name])) for name, who in people.items() for way in (replay, _sync_by_pages)]
    for name, device in [*listeners, *late]:
        if found := differences(device.state.view(), view_snapshot(after[name])):
            pytest.fail("\n".join([f"seed {seed}, {name}, {device.way}:", *found, *actions.log]), pytrace=False)
        _reloads_only_over_holes(device)


async def _sync_by_pages(who: Account, before: Snapshot) -> Device:
    return await sync(who, before, limit=17)


def _reloads_only_over_holes(device: Device) -> None:
    """Check that only rooms with the history `since_joined` had a hole."""
    rooms = device.state.rooms
    assert all(rooms[room_id].shape["history"] == "since_joined" for room_id in device.reloaded)
