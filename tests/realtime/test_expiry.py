"""A session that expires while its socket is open: a warning first, and a way to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer
from tests.sockets import TLS, Account, join_parley


@pytest.fixture(scope="module")
def hasty() -> Iterator[ParleyServer]:
    """A server whose sessions live for four seconds."""
    with Deployment(("daphne",), SESSION_MAX_SECONDS="4") as deployment:
        yield deployment.servers[0]


@pytest.fixture
async def guest(hasty: ParleyServer) -> AsyncIterator[Account]:
    async with AsyncExitStack() as stack, httpx.AsyncClient(verify=TLS, trust_env=False) as http:
        yield await join_parley(hasty, http, stack, "guest")


async def test_a_session_expires_after_a_warning(guest: Account) -> None:
    socket = await guest.connect()

    warning = await socket.next_event("session.expiring")
    end = await socket.end()

    assert (warning["room_id"], warning["seq"]) == (None, None)
    assert warning["data"] == {"expires_at": guest.session["expires_at"]}
    assert len([event for event in socket.events if event["type"] == "session.expiring"]) == 1
    assert (end.code, end.reason) == (4402, "token_expired")


async def test_a_fresh_token_before_the_expiry_keeps_the_socket(guest: Account) -> None:
    room = await guest.make_room()
    socket = await guest.listen(room)
    await socket.next_event("session.expiring")
    fresh = await guest.another_device()

    await socket.call("authenticate", token=fresh.token)

    second = await socket.next_event("session.expiring")
    await fresh.post_message(room, "still here")
    await socket.until_message("still here")
    assert second["data"] == {"expires_at": fresh.session["expires_at"]}


@pytest.fixture(scope="module")
def forgetful() -> Iterator[ParleyServer]:
    """A server whose sessions live for twenty seconds without a use, which is noted every two."""
    with Deployment(("daphne",), SESSION_IDLE_SECONDS="20") as deployment:
        yield deployment.servers[0]


async def test_a_short_socket_counts_as_use_of_its_session(forgetful: ParleyServer) -> None:
    async with AsyncExitStack() as stack, httpx.AsyncClient(verify=TLS, trust_env=False) as http:
        laptop = await join_parley(forgetful, http, stack, "laptop")
        phone = await laptop.another_device()

        async with asyncio.timeout(12):
            while await _last_used(laptop, phone) == phone.session["last_used_at"]:
                socket = await phone.connect()
                await socket.hello()
                await socket.close()


async def _last_used(laptop: Account, phone: Account) -> str:
    sessions = (await laptop.get("/v1/auth/sessions")).json()["results"]
    [found] = [session["last_used_at"] for session in sessions if session["id"] == phone.session["id"]]
    return str(found)
