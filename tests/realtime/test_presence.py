"""Presence: what watchers are told, over both processes, and from whom it is hidden."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.servers import ParleyServer
from tests.sockets import PATIENCE, Account, Socket


async def meet(one: Account, other: Account) -> dict[str, Any]:
    """A room that one made and in which the other has written: of the first kind for both."""
    room = await one.make_room(other)
    await other.post_message(room, "Here I am.")
    return room


async def watch(watcher: Socket, *people: Account) -> list[tuple[str, bool]]:
    """The states in the reply, and whether a time comes with each."""
    reply = await watcher.call("watch_presence", user_ids=[each.id for each in people])
    assert reply.status == 200, reply
    assert [state["user_id"] for state in reply.data["states"]] == [each.id for each in people]
    return [(state["state"], state["last_seen_at"] is not None) for state in reply.data["states"]]


async def next_state(watcher: Socket, of: Account) -> str:
    async with asyncio.timeout(3 * PATIENCE):
        while True:
            event = await watcher.next_event("presence.updated")
            if event["data"]["user_id"] == of.id:
                assert (event["room_id"], event["seq"]) == (None, None)
                return str(event["data"]["state"])


async def test_a_watcher_follows_the_devices_of_both_processes(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    await meet(alice, bob)
    watcher = await alice.connect()
    assert await watch(watcher, bob, alice) == [("offline", False), ("online", False)]

    phone = await bob.connect(server=there)
    states = [await next_state(watcher, bob)]
    assert (await phone.call("set_presence", state="away")).data == {"state": "away"}
    states.append(await next_state(watcher, bob))
    laptop = await bob.connect()
    states.append(await next_state(watcher, bob))
    await laptop.call("set_presence", state="background")
    states.append(await next_state(watcher, bob))
    await laptop.call("set_presence", state="active")
    states.append(await next_state(watcher, bob))

    assert states == ["online", "away", "online", "away", "online"]
    assert await watch(watcher, bob) == [("online", False)]
