"""Presence: what watchers are told, over both processes, and from whom it is hidden."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from realtime.presence.devices import GRACE_SECONDS
from tests.realtime.deployment import ONCE
from tests.realtime.test_long_poll import poll
from tests.servers import ParleyServer
from tests.sockets import PATIENCE, Account, Socket
from tests.streams import Stream, cursors


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


async def until_state(watcher: Socket, of: Account, state: str) -> None:
    """Watch somebody again and again until the reply has this state."""
    async with asyncio.timeout(3 * PATIENCE):
        while (await watch(watcher, of))[0][0] != state:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


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


@ONCE
async def test_a_reconnect_changes_nothing(alice: Account, bob: Account) -> None:
    await meet(alice, bob)
    phone = await bob.connect()
    watcher = await alice.connect()
    await until_state(watcher, bob, "online")

    await phone.close()
    phone = await bob.connect()
    await phone.call("set_presence", state="away")

    assert await next_state(watcher, bob) == "away"


@ONCE
async def test_a_log_out_counts_at_once(alice: Account, bob: Account) -> None:
    await meet(alice, bob)
    await bob.connect()
    watcher = await alice.connect()
    await until_state(watcher, bob, "online")

    began = asyncio.get_running_loop().time()
    assert (await bob.post("/v1/auth/logout")).status_code == 204

    assert await next_state(watcher, bob) == "offline"
    assert asyncio.get_running_loop().time() - began < GRACE_SECONDS
    assert await watch(watcher, bob) == [("offline", True)]


async def test_presence_over_rest_sets_the_devices_of_the_session(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    await meet(alice, bob)
    await bob.connect(server=there)
    laptop = await bob.another_device()
    watcher = await alice.connect()
    await until_state(watcher, bob, "online")
    await laptop.connect()
    await laptop.put("/v1/presence", {"state": "background"})

    answer = await bob.put("/v1/presence", {"state": "away"})

    assert (answer.status_code, answer.json()) == (200, {"state": "away"})
    while await next_state(watcher, bob) != "away":  # the other process may announce the phone late
        pass
    answer = await alice.post("/v1/presence/watch", {"user_ids": [bob.id, bob.id]})
    assert [state["state"] for state in answer.json()["states"]] == ["away"]


@ONCE
async def test_requests_that_wait_are_devices(alice: Account, bob: Account) -> None:
    await meet(alice, bob)
    watcher = await alice.connect()
    assert await watch(watcher, bob) == [("offline", False)]

    body = await cursors(bob)
    quiet = await Stream.follow(bob, {**body, "presence": "background"})
    away = await Stream.follow(await bob.another_device(), {**body, "presence": "away"})
    states = [await next_state(watcher, bob)]
    async with poll(bob):
        states.append(await next_state(watcher, bob))
        await quiet.close()
        await bob.post_message(await bob.make_room(), "It ends the wait.")
    await away.close()

    assert states == ["away", "online"]


@ONCE
async def test_outsiders_see_nothing(alice: Account, bob: Account, charlie: Account) -> None:
    room = await alice.make_room(bob)
    await alice.make_room(charlie)
    await bob.connect()
    bobs, charlies = await bob.connect(), await charlie.connect()
    nobody = uuid4()

    put_by_alice = await watch(await alice.connect(), bob, charlie)
    by_charlie = await charlie.post("/v1/presence/watch", {"user_ids": [alice.id, bob.id, nobody]})
    assert [*await watch(bobs, alice), *await watch(charlies, alice, bob)] == [("offline", False)] * 3
    await bob.post_message(room, "Here I am.")

    assert put_by_alice == [("offline", False), ("offline", False)]
    assert [(each["state"], each["last_seen_at"]) for each in by_charlie.json()["states"]] == [("offline", None)] * 3
    await until_state(bobs, alice, "online")


@ONCE
async def test_bad_bodies_are_refused(alice: Account) -> None:
    socket = await alice.connect()

    for action, body in (
        ("watch_presence", {}),
        ("watch_presence", {"user_ids": None}),
        ("watch_presence", {"user_ids": "bob"}),
        ("watch_presence", {"user_ids": ["bob"]}),
        ("watch_presence", {"user_ids": [str(uuid4()) for _ in range(201)]}),
        ("set_presence", {"state": "online"}),
        ("set_presence", {}),
    ):
        assert (await socket.call(action, **body)).status == 400, (action, body)
    assert (await alice.post("/v1/sync", {"presence": "online"})).status_code == 400
    assert (await alice.put("/v1/presence", {"state": "offline"})).status_code == 400


@pytest.mark.parametrize("follows", ["room", "inbox"])
async def test_a_removed_member_sees_nothing_more(
    alice: Account, bob: Account, charlie: Account, there: ParleyServer, follows: str
) -> None:
    room = await alice.make_room(bob, charlie)
    for member in (bob, charlie):
        await member.post_message(room, "Here I am.")
    phone = await alice.connect()
    watcher = await bob.listen(room if follows == "room" else None, server=there)
    witness = await charlie.connect(server=there)
    await until_state(watcher, alice, "online")
    await until_state(witness, alice, "online")

    assert (await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")).status_code == 204

    answer = await bob.post("/v1/presence/watch", {"user_ids": [alice.id]})
    assert [(each["state"], each["last_seen_at"]) for each in answer.json()["states"]] == [("offline", None)]
    while (hidden := await watcher.next_event("presence.updated"))["data"]["state"] == "online":
        pass  # the other process may announce the phone late
    assert hidden["data"] == {"user_id": alice.id, "state": "offline", "last_seen_at": None}
    for activity, state in (("away", "away"), ("active", "online"), ("background", "offline")):  # a frame a second
        await phone.call("set_presence", state=activity)
        while await next_state(witness, alice) != state:
            pass
    await watcher.settled()
    assert watcher.events[-1] == hidden
    assert await watch(witness, alice) == [("offline", True)]
    assert await watch(watcher, alice) == [("offline", False)]
