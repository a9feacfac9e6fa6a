"""The end of a session: exactly the right sockets close, on every process, and nothing more is written (G6)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from tests.answers import End
from tests.realtime.deployment import ACROSS_SECONDS, ONCE, Deployment
from tests.servers import ParleyServer
from tests.sockets import PASSWORD, Account, Socket

# Each story has a socket on both processes already, and without Redis the other one takes its two seconds.
pytestmark = ONCE
REVOKED = (4410, "session_revoked", False)


class Devices:
    """Bob's phone and laptop and Alice's phone, each with a socket on both processes."""

    def __init__(self, phone: Account, laptop: Account, alice: Account, there: ParleyServer) -> None:
        self.phone, self.laptop, self.alice, self.there = phone, laptop, alice, there
        self.sockets: dict[str, list[Socket]] = {}

    async def connect(self) -> Devices:
        for name, account in (("phone", self.phone), ("laptop", self.laptop), ("alice", self.alice)):
            self.sockets[name] = [await account.connect(), await account.connect(self.there)]
        return self

    async def close_in_time(self, *names: str) -> set[tuple[int, str, bool]]:
        """The sockets of these end in time, all others live; how they ended."""
        async with asyncio.timeout(ACROSS_SECONDS + 1):  # a second for a busy machine
            ends = await asyncio.gather(*(socket.end() for name in names for socket in self.sockets[name]))
        for name in self.sockets.keys() - set(names):
            for socket in self.sockets[name]:
                await socket.settled()
        return {_how(end) for end in ends}


def _how(end: End) -> tuple[int, str, bool]:
    assert end.goodbye is not None
    assert (end.goodbye["code"], end.goodbye["reason"]) == (end.code, end.reason)
    return end.code, end.reason, end.goodbye["reconnect"]


@pytest.fixture
async def devices(alice: Account, bob: Account, there: ParleyServer) -> Devices:
    return await Devices(bob, await bob.another_device(), alice, there).connect()


async def test_logging_out_closes_the_sockets_of_this_device(devices: Devices) -> None:
    await devices.phone.post("/v1/auth/logout")

    assert await devices.close_in_time("phone") == {REVOKED}


async def test_logging_out_everywhere_closes_all_sockets(devices: Devices) -> None:
    await devices.phone.post("/v1/auth/logout-all")

    assert await devices.close_in_time("phone", "laptop") == {REVOKED}


async def test_a_session_ended_from_another_device_closes_its_sockets(devices: Devices) -> None:
    response = await devices.laptop.delete(f"/v1/auth/sessions/{devices.phone.session['id']}")

    assert response.status_code == 204
    assert await devices.close_in_time("phone") == {REVOKED}


async def test_a_new_password_closes_the_sockets_of_other_devices(devices: Devices) -> None:
    response = await devices.laptop.post("/v1/auth/password", {"old": PASSWORD, "new": "another horse battery"})

    assert response.status_code == 204
    assert await devices.close_in_time("phone") == {REVOKED}


async def test_deleting_the_account_closes_all_sockets(devices: Devices) -> None:
    response = await devices.phone.delete("/v1/me", {"password": PASSWORD})

    assert response.status_code == 204
    assert await devices.close_in_time("phone", "laptop") == {REVOKED}


async def test_a_deactivated_account_is_closed_with_its_own_code(devices: Devices, deployment: Deployment) -> None:
    await asyncio.to_thread(deployment.manage, "deactivate_user", devices.phone.username)

    assert await devices.close_in_time("phone", "laptop") == {(4403, "account_disabled", False)}


async def test_an_ended_session_can_no_longer_write(alice: Account, bob: Account, there: ParleyServer) -> None:
    """Not even before its socket closes."""
    room = await alice.make_room(bob)
    socket = await bob.connect(there)
    await alice.post_message(room, "hello")
    laptop = await bob.another_device()
    await laptop.delete(f"/v1/auth/sessions/{bob.session['id']}")

    body = {"client_id": uuid4().hex, "text": "too late"}
    with suppress(ConnectionClosed):  # it may have closed by now
        await socket.send_json({"action": "send_message", "room_id": room["id"], **body})
        await socket.send_json({"action": "send_messages", "room_id": room["id"], "items": [body]})
        await socket.send_json({"action": "mark_read", "room_id": room["id"], "seq": 2})

    await socket.end()
    statuses = {frame["response_status"] for frame in socket.frames if "response_status" in frame}
    assert statuses <= {401}
    assert (await alice.get(f"/v1/rooms/{room['id']}")).json()["head"] == 2


async def test_no_event_follows_the_goodbye(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.listen(room)
    await bob.post("/v1/auth/logout")

    for number in range(20):
        await alice.post_message(room, f"{number}")

    await socket.end()
    assert socket.frames[-1]["action"] == "goodbye"
