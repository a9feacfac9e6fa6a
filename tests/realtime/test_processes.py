"""Two server processes are one chat: a daphne and a uvicorn on one database and, where there is one, one Redis."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx
import pytest

from tests.realtime.deployment import HAS_REDIS, Deployment
from tests.servers import ParleyServer
from tests.sockets import Account, Socket, join_parley

CLIENTS, MESSAGES = 64, 20
# Longer than any socket timeout of the Redis client: 5 s broke idle sockets elsewhere.
IDLE_SECONDS = 7 if HAS_REDIS else 0


async def test_users_on_two_processes_chat(alice: Account, bob: Account, there: ParleyServer) -> None:
    room = await alice.make_room(bob)
    sockets = [await alice.listen(room), await bob.listen(room, server=there)]

    for number, socket in enumerate(sockets):
        body = {"client_id": uuid4().hex, "text": f"from {number}"}
        assert (await socket.call("send_message", room_id=room["id"], **body)).status == 201

    for socket in sockets:
        await socket.until_seq(room["id"], 3)
        assert socket.texts() == ["from 0", "from 1"]


async def test_ephemeral_events_cross_processes_through_redis(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    await alice.post_message(room, "hello")
    near, far = await alice.listen(room), await bob.listen(room, server=there)
    await far.settled()

    await far.call("typing", room_id=room["id"], on=True)
    await far.call("mark_read", room_id=room["id"], seq=2)

    if HAS_REDIS:  # without, it is lost, and may be
        assert (await near.next_event("typing"))["data"] == {"user_ids": [bob.id]}
        assert (await near.next_event("read.updated"))["data"]["read_seq"] == 2


async def test_an_idle_socket_still_receives_events(
    deployment: Deployment, http: httpx.AsyncClient, stack: AsyncExitStack
) -> None:
    alice = await join_parley(deployment.servers[0], http, stack, "alice")
    room = await alice.make_room()
    sockets = [await alice.listen(room, server=server) for server in deployment.servers]

    await asyncio.sleep(IDLE_SECONDS)  # the silence is what is tested
    await alice.post_message(room, "good morning")

    for socket in sockets:
        await socket.until_message("good morning")


@pytest.fixture
async def crowd(deployment: Deployment, http: httpx.AsyncClient, stack: AsyncExitStack) -> list[Account]:
    servers = deployment.servers
    joining = (join_parley(servers[n % 2], http, stack, f"guest{n}") for n in range(CLIENTS))
    return list(await asyncio.gather(*joining))


async def test_all_sockets_receive_one_order(crowd: list[Account]) -> None:
    """Everybody talks at once, by turns over REST and their socket, on both processes: no hole, one order."""
    room = await crowd[0].make_room(*crowd[1:])
    sockets = await asyncio.gather(*(guest.listen(room) for guest in crowd))
    for socket in sockets[1:]:
        socket.recorded = False

    await asyncio.gather(*(_talk(*pair, room, place) for place, pair in enumerate(zip(crowd, sockets, strict=True))))

    orders = []
    for socket in sockets:
        await socket.until_seq(room["id"], CLIENTS * MESSAGES + 1)
        orders.append([(event["seq"], event["type"], event["data"]["id"]) for event in socket.events if event["seq"]])
    assert [seq for seq, *_ in orders[0]] == list(range(2, CLIENTS * MESSAGES + 2))
    assert all(order == orders[0] for order in orders)
    texts = sorted(f"{guest} {number}" for guest in range(CLIENTS) for number in range(MESSAGES))
    assert sorted(sockets[0].texts()) == texts


async def _talk(guest: Account, socket: Socket, room: dict[str, str], place: int) -> None:
    for number in range(MESSAGES):
        text = f"{place} {number}"
        if (place // 2 + number) % 2:
            await guest.post_message(room, text)
        else:
            body = {"client_id": uuid4().hex, "text": text}
            reply = await socket.call("send_message", room_id=room["id"], **body)
            while reply.code == "unavailable":  # too busy: a client tries again
                await asyncio.sleep(reply.frame["errors"][0]["retry_after_ms"] / 1000)
                reply = await socket.call("send_message", room_id=room["id"], **body)
            assert reply.status in (200, 201), reply.frame
