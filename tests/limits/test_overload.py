"""An event loop that is late: first typing is dropped and presence waits, then new sockets are refused; sends go on."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
from pytest_django import Settings

from realtime.admission import LATE_SECONDS, OVERLOADED_SECONDS, RecentLag
from tests.servers import ParleyServer
from tests.sockets import Account, Socket


def test_the_lag_decides_what_is_shed(settings: Settings) -> None:
    settings.RATE_LIMITS = True
    lag = RecentLag()
    states = []
    for seconds in (0.0, LATE_SECONDS + 0.01, OVERLOADED_SECONDS + 0.01):
        lag.seconds = seconds
        states.append((lag.is_late, lag.is_overloaded))

    assert states == [(False, False), (True, False), (True, True)]
    settings.RATE_LIMITS = False
    assert not lag.is_late


async def test_a_late_server_refuses_new_sockets_and_no_send(
    alice: Account, here: ParleyServer, http: httpx.AsyncClient
) -> None:
    """The frame and the handshake arrive while the event loop is blocked."""
    room = await alice.make_room()
    socket = await alice.connect()
    await http.get(f"{here.url}/_stall")

    send = {"action": "send_message", "request_id": 1, "room_id": room["id"], "client_id": uuid4().hex, "text": "now"}
    await socket.send_json(send)
    refused = await Socket.open(f"{here.ws_url}/v1/ws", token=alice.token)

    end = await refused.end()
    assert (end.code, end.reason) == (1013, "overloaded")
    assert end.goodbye is not None
    assert end.goodbye["reconnect"] is True
    assert end.goodbye["retry_after_ms"] >= 1000
    assert (await socket.reply(1)).status == 201
    await until_admitted(alice)


async def test_while_the_server_is_late_typing_is_dropped_and_presence_waits_but_no_send(
    alice: Account, bob: Account, here: ParleyServer, http: httpx.AsyncClient
) -> None:
    room = await alice.make_room(bob)
    await bob.post_message(room, "Here I am.")
    phone = await bob.connect()
    watcher = await alice.listen(room)
    states = (await watcher.call("watch_presence", user_ids=[bob.id])).data["states"]
    typing, shed = f"/v1/rooms/{room['id']}/typing", {"typing", "presence.updated"}

    await http.get(f"{here.url}/_late")
    try:
        assert (await phone.call("set_presence", state="away")).status == 200
        assert (await bob.post(typing, {"on": True})).status_code == 204
        assert (await phone.call("typing", room_id=room["id"], on=True)).status == 204
        await until_stored(alice, bob, "away")  # this tick would also have sent the change
        await bob.post_message(room, "sent while late")
        await watcher.until_message("sent while late")
        while_late = [event["type"] for event in watcher.events if event["type"] in shed]
    finally:
        await http.get(f"{here.url}/_on_time")

    assert (states[0]["state"], while_late) == ("online", [])
    assert (await watcher.next_event(*shed))["data"]["state"] == "away"


async def until_stored(viewer: Account, of: Account, state: str) -> None:
    """Wait until REST, which reads what the ticks have stored, has this state."""
    async with asyncio.timeout(30):
        while True:
            answer = await viewer.post("/v1/presence/watch", {"user_ids": [of.id]})
            if answer.json()["states"][0]["state"] == state:
                return
            await asyncio.sleep(0.1)


async def until_admitted(who: Account) -> None:
    """Wait until the event loop is on time again."""
    async with asyncio.timeout(30):
        while True:
            socket = await Socket.open(f"{who.server.ws_url}/v1/ws", token=who.token)
            frame = await socket.find(lambda frame: True)
            await socket.close()
            if frame["action"] == "hello":
                return
            await asyncio.sleep(0.2)
