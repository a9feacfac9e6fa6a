"""user.erased on live servers: delivery, later replays, and a process that is killed meanwhile"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, nullcontext
from typing import Any

import httpx
import pytest

from tests.realtime.deployment import HAS_REDIS, Deployment
from tests.servers import ParleyServer
from tests.services import wait_until
from tests.sockets import PASSWORD, TLS, Account, Socket, join_parley

KILLED_SECONDS = 60.0  # the lease of the killed process ends after ten


async def delete_account(person: Account) -> None:
    response = await person.request("DELETE", "/v1/me", {"password": PASSWORD})
    assert response.status_code == 204, response.text


async def replay_of(person: Account, room: dict[str, Any], server: ParleyServer) -> Socket:
    """All events of the room that a new device receives."""
    socket = await person.connect(server)
    reply = await socket.call("subscribe", room_id=room["id"], after=0)
    assert reply.data["replay"] == "complete"
    await socket.next_event("room.synced")
    return socket


async def test_live_members_receive_the_erasure(alice: Account, bob: Account, there: ParleyServer) -> None:
    room = await alice.make_room(bob)
    message = await bob.post_message(room, "hello")
    sockets = [await alice.listen(room), await alice.listen(room, server=there)]

    await delete_account(bob)

    for socket in sockets:
        erased = await socket.next_event("user.erased")
        assert erased["data"]["user"]["id"] == message["sender"]["id"]
        assert erased["data"]["user"]["display_name"] == "Deleted account"


async def test_no_replay_from_memory_contains_the_erased_name(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    await bob.post_message(room, "hello")
    listeners = {server.url: await alice.listen(room, server=server) for server in (alice.server, there)}
    before = await replay_of(alice, room, alice.server)
    assert any(bob.username in str(event) for event in before.events)

    await delete_account(bob)

    for server in (alice.server, there):
        await listeners[server.url].next_event("user.erased")
        after = await replay_of(alice, room, server)
        assert [event["type"] for event in after.events[:2]] == ["room.created", "message.created"]
        assert not [event for event in after.events if bob.username in str(event)]


@pytest.fixture(scope="module")
def mortal() -> Iterator[Deployment]:
    """A deployment of its own, to kill."""
    with Deployment(("daphne",)) as deployment:
        yield deployment


@pytest.fixture
async def http_here() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=TLS, trust_env=False, timeout=20) as http:
        yield http


async def test_an_erasure_continues_after_its_process_dies(
    mortal: Deployment, http_here: httpx.AsyncClient, stack: AsyncExitStack
) -> None:
    server = mortal.servers[0]
    alice, bob = [await join_parley(server, http_here, stack, name) for name in ("alice", "bob")]
    rooms = [await alice.make_room(bob) for _ in range(8)]
    for room in rooms:
        await bob.post_message(room, "hello")
    socket = await alice.listen(rooms[0])

    # With PostgreSQL the job cannot get past the last room before it dies.
    with mortal.holding(rooms[-1]["id"]) if HAS_REDIS else nullcontext():
        await delete_account(bob)
        await socket.next_event("member.left")
        server.kill()
    await asyncio.to_thread(server.start)

    headers = {"Authorization": f"Bearer {alice.token}"}
    with httpx.Client(base_url=server.url, headers=headers, verify=TLS, trust_env=False) as client:

        def events_of(room: dict[str, Any]) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = client.get(f"/v1/rooms/{room['id']}/events").json()["results"]
            return found

        def is_done() -> bool:
            return all(events_of(room)[-1]["type"] == "user.erased" for room in rooms)

        await asyncio.to_thread(wait_until, is_done, seconds=KILLED_SECONDS, what="not every room is clean")
        for room in rooms:
            events = events_of(room)
            kinds = [event["type"] for event in events]
            assert kinds == ["room.created", "message.created", "member.left", "user.erased"]
            assert bob.username not in str(events)
