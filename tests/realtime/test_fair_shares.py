"""A user or a room that keeps the database busy holds up only itself, on sockets and on REST."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer
from tests.sockets import Account, Socket, join_parley

MANY = 24  # three times the threads that work for sockets


async def answered(sockets: list[Socket]) -> list[dict[str, object]]:
    return [frame for socket in sockets for frame in socket.frames if frame.get("action") == "edit_message"]


async def test_one_users_sockets_that_wait_for_a_room_do_not_block_others(
    alice: Account, bob: Account, deployment: Deployment
) -> None:
    """While the room is held no edit can end, so all of them wait: others are answered first."""
    hot, quiet = await alice.make_room(), await bob.make_room()
    message = await alice.post_message(hot, "first")
    sockets = [await alice.connect() for _ in range(MANY)]

    with deployment.holding(hot["id"]):
        for socket in sockets:
            edit = {"action": "edit_message", "room_id": hot["id"], "message_id": message["id"], "text": "again"}
            await socket.send_json({**edit, "request_id": 1})
        await sockets[-1].settled()
        other = await bob.connect()
        subscribed = await other.call("subscribe", room_id=quiet["id"], after=0)
        page = await other.call("get_messages", room_id=quiet["id"])
        early = await answered(sockets)

    assert (subscribed.status, page.status, early) == (200, 200, [])
    assert {(await socket.reply(1)).status for socket in sockets} <= {200, 503}


async def test_users_who_wait_for_one_room_do_not_block_other_rooms(
    here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack, bob: Account, deployment: Deployment
) -> None:
    guests = [await join_parley(here, http, stack, f"guest{number}") for number in range(MANY)]
    hot, quiet = await guests[0].make_room(*guests[1:]), await bob.make_room()
    messages = [await guest.post_message(hot, "mine") for guest in guests]
    sockets = [await guest.connect() for guest in guests]

    with deployment.holding(hot["id"]):
        for socket, message in zip(sockets, messages, strict=True):
            edit = {"action": "edit_message", "room_id": hot["id"], "message_id": message["id"], "text": "again"}
            await socket.send_json({**edit, "request_id": 1})
        await sockets[-1].settled()
        other = await bob.connect()
        subscribed = await other.call("subscribe", room_id=quiet["id"], after=0)
        page = await other.call("get_messages", room_id=quiet["id"])
        early = await answered(sockets)

    assert (subscribed.status, page.status, early) == (200, 200, [])
    assert {(await socket.reply(1)).status for socket in sockets} <= {200, 503}


async def test_one_users_requests_that_wait_for_a_room_do_not_block_others(
    alice: Account, bob: Account, deployment: Deployment
) -> None:
    hot, quiet = await alice.make_room(), await bob.make_room()
    message = await alice.post_message(hot, "first")
    path = f"/v1/rooms/{hot['id']}/messages/{message['id']}"

    with deployment.holding(hot["id"]):
        edits = [asyncio.ensure_future(alice.patch(path, {"text": f"{number}"})) for number in range(MANY)]
        me = await bob.get("/v1/me")
        page = await bob.get(f"/v1/rooms/{quiet['id']}/messages")
        early = [edit for edit in edits if edit.done()]

    assert (me.status_code, page.status_code, early) == (200, 200, [])
    assert {(await edit).status_code for edit in edits} <= {200, 503}


async def test_a_user_who_waits_for_a_room_can_write_in_another(alice: Account, bob: Account) -> None:
    """Nothing is refused when nothing is held: shares order work, they do not limit it."""
    room = await alice.make_room(bob)
    message = await alice.post_message(room, "first")
    path = f"/v1/rooms/{room['id']}/messages/{message['id']}"

    edits = await asyncio.gather(*(alice.patch(path, {"text": f"{number}"}) for number in range(MANY)))

    assert {edit.status_code for edit in edits} == {200}
