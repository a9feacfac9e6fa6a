"""fold(snapshot, events) = new snapshot: for each write, each user, and each way to receive events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fold.case import Case
from tests.fold.devices import Device, Listener, listen, listen_by_sync, replay, sync
from tests.fold.snapshots import read_before, read_snapshot
from tests.fold.state import Snapshot, State, differences, view_snapshot
from tests.fold.stories import CASES
from tests.fold.world import World, make_world
from tests.servers import ParleyServer
from tests.sockets import Account

Snapshots = dict[str, Snapshot]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_folded_events_of_a_story_equal_the_new_snapshot(
    case: Case, servers: dict[str, ParleyServer], http: httpx.AsyncClient, stack: AsyncExitStack
) -> None:
    world = await make_world(servers, http, stack, **_room_of(case))
    before = await _read_snapshots(world, read_before)
    listeners = await _open_listeners(world, before)
    received = {way: len(listener.socket.events) for way, listener in listeners.items()}

    await case.story(world)

    after = await _read_snapshots(world, read_snapshot)
    assert world.made == case.writes
    seen_before = {name: State(world.people[name].id, snapshot).view() for name, snapshot in before.items()}
    assert (seen_before != {name: view_snapshot(snapshot) for name, snapshot in after.items()}) is case.changes
    for way, device in (await _catch_up_everybody(world, listeners, before, after, CASES.index(case))).items():
        name = _name(way)
        assert differences(device.state.view(), view_snapshot(after[name])) == [], way
        assert not device.reloaded or name in case.reloads, f"{way} had to load a room again"
    _check_outsiders_received_nothing(listeners, received, before, after)


def _room_of(case: Case) -> dict[str, Any]:
    slug = {"slug": f"tea-{uuid4().hex}"} if "slug" in case.room else {}
    return {**case.room, **slug}


async def _read_snapshots(world: World, read: Callable[[Account], Awaitable[Snapshot]]) -> Snapshots:
    """The snapshots of everybody whose account exists."""
    people = {name: who for name, who in world.people.items() if name not in world.gone}
    snapshots = await asyncio.gather(*(read(who) for who in people.values()))
    return dict(zip(people, snapshots, strict=True))


async def _open_listeners(world: World, before: Snapshots) -> dict[str, Listener]:
    """Open a device for every user: two for Bob, and for Eve the socket that received her removal."""
    laptop = await (await world.bob.another_device()).connect()
    listeners = {"bob, on the laptop": await listen_by_sync(world.bob, before["bob"], laptop)}
    for name, who in world.people.items():
        if name == "eve":
            listeners[name] = Listener(who, before[name], world.sockets["eve's"])
        else:
            listeners[name] = await listen(who, before[name], await who.connect())
    return listeners


async def _catch_up_everybody(
    world: World, listeners: dict[str, Listener], before: Snapshots, after: Snapshots, turn: int
) -> dict[str, Device]:
    """A live device for every person, and one that comes back by a replay or by sync, which take turns."""
    live = {way: listener for way, listener in listeners.items() if _name(way) in after}
    await asyncio.gather(*(listener.catch_up(after[_name(way)]) for way, listener in live.items()))
    names = sorted(after)
    by_replay, by_sync = names[turn % 2 :: 2], names[(turn + 1) % 2 :: 2]
    replayed = await asyncio.gather(*(replay(world.people[name], before[name]) for name in by_replay))
    synced = await asyncio.gather(*(sync(world.people[name], before[name], limit=3) for name in by_sync))
    return {
        **live,
        **{f"{name}, by replay": device for name, device in zip(by_replay, replayed, strict=True)},
        **{f"{name}, by sync": device for name, device in zip(by_sync, synced, strict=True)},
        "eve, by the action": await sync(world.eve, before["eve"], socket=world.sockets["eve's"]),
    }


def _name(way: str) -> str:
    return way.partition(",")[0]


def _check_outsiders_received_nothing(
    listeners: dict[str, Listener], received: dict[str, int], before: Snapshots, after: Snapshots
) -> None:
    """Check that users in no room of the story received nothing, not even ephemeral events."""
    for name in ("charlie", "eve"):
        if before[name] == after[name]:
            assert listeners[name].socket.events[received[name] :] == [], (
                f"{name} is not a member and received an event"
            )
