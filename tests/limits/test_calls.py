"""The limits of calls, on both faces: the breach, the way in which it is refused, and the recovery after the pause."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import Reply
from tests.limits.small import SMALL
from tests.sockets import Account, Socket

Call = Callable[[], Awaitable[Any]]
MOST = 300


def message(**more: Any) -> dict[str, Any]:
    return {"client_id": uuid4().hex, "text": "hello", **more}


async def use_up(call: Call) -> Any:
    """Call until the first 429, and return it."""
    for _ in range(MOST):
        answer = await call()
        status = answer.status if isinstance(answer, Reply) else answer.status_code
        if status == 429:
            return answer
        assert status < 300, answer
    raise AssertionError(f"{MOST} calls were allowed")


def check_headers(response: httpx.Response, name: str) -> None:
    """The headers are those of draft-ietf-httpapi-ratelimit-headers-10."""
    limit, window_seconds = SMALL[name]
    seconds = int(response.headers["Retry-After"])
    assert response.json()["code"] == f"limit.{name}"
    assert response.json()["retryable"] is True
    assert 0 < response.json()["retry_after_ms"] <= seconds * 1000
    assert response.headers["RateLimit-Policy"] == f'"{name}";q={limit};w={window_seconds}'
    assert re.fullmatch(rf'"{name}";r=[0-9]+;t={seconds}', response.headers["RateLimit"])


REST: dict[str, Callable[[Account, Any], Awaitable[httpx.Response]]] = {
    "search": lambda who, room: who.get("/v1/users", q="nobody at all"),
    "sync": lambda who, room: who.post("/v1/sync", {}),
    "read": lambda who, room: who.get("/v1/me"),
    "write": lambda who, room: who.patch(f"/v1/rooms/{room['id']}/me", {"hidden": False}),
    "typing": lambda who, room: who.post(f"/v1/rooms/{room['id']}/typing", {"on": False}),
    "send": lambda who, room: who.post(f"/v1/rooms/{room['id']}/messages", message()),
}


@pytest.mark.parametrize("name", list(REST))
async def test_a_request_over_a_limit_is_refused_until_the_pause_is_over(alice: Account, name: str) -> None:
    room = await alice.make_room()

    refused = await use_up(lambda: REST[name](alice, room))

    check_headers(refused, name)
    await asyncio.sleep(refused.json()["retry_after_ms"] / 1000)
    assert (await REST[name](alice, room)).status_code < 300


SOCKET: dict[str, Callable[[Socket, Any], Awaitable[Reply]]] = {
    "read": lambda socket, room: socket.call("ping"),
    "write": lambda socket, room: socket.call("mark_read", room_id=room["id"], seq=1),
    "sync": lambda socket, room: socket.call("sync", subscribe=False),
    "typing": lambda socket, room: socket.call("typing", room_id=room["id"], on=False),
    "send": lambda socket, room: socket.call("send_message", room_id=room["id"], **message()),
}


@pytest.mark.parametrize("name", list(SOCKET))
async def test_an_action_over_a_limit_is_refused_until_the_pause_is_over(alice: Account, name: str) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    refused = await use_up(lambda: SOCKET[name](socket, room))

    problem = refused.frame["errors"][0]
    assert (problem["code"], problem["retryable"]) == (f"limit.{name}", True)
    await asyncio.sleep(problem["retry_after_ms"] / 1000)
    assert (await SOCKET[name](socket, room)).status < 300


async def send_batches(socket: Socket, room: Any) -> Reply:
    """Send batches until one is refused."""

    async def send() -> Reply:
        return await socket.call("send_messages", room_id=room["id"], items=[message() for _ in range(50)])

    refused: Reply = await use_up(send)
    return refused


async def test_the_sends_of_an_account_are_limited_over_its_devices(alice: Account) -> None:
    room, phone = await alice.make_room(), await alice.another_device()
    await send_batches(await alice.connect(), room)

    refused = await send_batches(await phone.connect(), room)

    assert refused.refusal == (429, "limit.send")


async def test_a_room_has_a_limit_of_all_its_members(alice: Account, bob: Account) -> None:
    room, other = await alice.make_room(bob), await bob.make_room()
    await send_batches(await alice.connect(), room)
    socket = await bob.connect()

    replies = await socket.call("send_messages", room_id=room["id"], items=[message() for _ in range(50)])

    results = replies.data["results"]
    assert (results[0]["status"], results[-1]["status"]) == (201, 429)
    assert results[-1]["errors"][0]["code"] == "limit.send_room"
    assert (await socket.call("send_message", room_id=other["id"], **message())).status == 201


async def test_an_outsider_does_not_use_up_the_limit_of_a_room(alice: Account, bob: Account) -> None:
    room, outsider = await alice.make_room(), await bob.connect()
    for _ in range(SMALL["send"][0] - 5):
        assert (await outsider.call("send_message", room_id=room["id"], **message())).status == 404
    socket = await alice.connect()

    reply = await socket.call("send_messages", room_id=room["id"], items=[message() for _ in range(50)])

    assert {result["status"] for result in reply.data["results"]} == {201}


async def test_a_retry_of_a_stored_send_is_answered_before_the_limit(alice: Account) -> None:
    room = await alice.make_room()
    first, items = message(), [message() for _ in range(50)]
    path = f"/v1/rooms/{room['id']}/messages"
    stored = (await alice.post(path, first)).json()
    socket = await alice.connect()
    batch = await socket.call("send_messages", room_id=room["id"], items=items)
    await send_batches(socket, room)

    by_rest = await alice.post(path, first)
    by_socket = await socket.call("send_message", room_id=room["id"], **first)
    again = await socket.call("send_messages", room_id=room["id"], items=items)
    new = await socket.call("send_messages", room_id=room["id"], items=[*items[:49], message()])

    assert (by_rest.status_code, by_rest.json()) == (200, stored)
    assert (by_socket.status, by_socket.data) == (200, stored)
    assert [each["id"] for each in again.data["results"]] == [each["id"] for each in batch.data["results"]]
    assert new.refusal == (429, "limit.send")


async def test_a_malformed_send_over_the_limit_is_refused(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()
    await send_batches(socket, room)
    fill = [message() for _ in range(49)]

    for items in ([1, *fill], [{}, *fill], [{"client_id": 1}, *fill], [{"client_id": []}, *fill]):
        reply = await socket.call("send_messages", room_id=room["id"], items=items)
        assert reply.refusal == (429, "limit.send")


async def test_twenty_refusals_in_a_row_close_the_socket(alice: Account) -> None:
    socket = await alice.connect()

    for number in range(SMALL["sync"][0] + 60):
        await socket.send_json({"action": "sync", "request_id": number, "subscribe": False})
    end = await socket.end()

    refused = [frame for frame in socket.frames if frame.get("response_status") == 429]
    assert (end.code, end.reason) == (4429, "rate_limited")
    assert end.goodbye is not None
    assert end.goodbye["reconnect"] is True
    assert end.goodbye["retry_after_ms"] > 0
    assert len(refused) == SMALL["refused"][0]
    assert {frame["errors"][0]["code"] for frame in refused} == {"limit.sync"}


async def test_a_client_that_pauses_keeps_its_socket(alice: Account) -> None:
    socket = await alice.connect()
    await use_up(lambda: socket.call("sync", subscribe=False))

    for _ in range(2):
        for _ in range(12):
            await socket.call("sync", subscribe=False)
        await asyncio.sleep(2.1)

    assert (await socket.call("ping")).status == 200


async def test_a_client_of_rest_that_goes_on_without_a_pause_waits_for_each_answer(alice: Account) -> None:
    await asyncio.gather(*(alice.get("/v1/users", q="nobody at all") for _ in range(SMALL["search"][0] + 40)))

    began = asyncio.get_running_loop().time()
    refused = await alice.get("/v1/me")

    assert refused.status_code == 429
    check_headers(refused, "refused")
    assert asyncio.get_running_loop().time() - began > 0.9
    await asyncio.sleep(refused.json()["retry_after_ms"] / 1000)
    assert (await alice.get("/v1/me")).status_code == 200


async def test_expensive_calls_use_up_the_work_of_the_account_over_its_devices(alice: Account, bob: Account) -> None:
    """Each of these requests costs some milliseconds of CPU before its fields are refused."""
    devices = [alice, *[await alice.another_device() for _ in range(4)]]
    bomb = {f"unknown-{number}": number for number in range(250)}
    codes: list[str] = []

    while len(codes) < 500 and (not codes or codes[-1] != "limit.work"):
        codes.append((await devices[len(codes) % 5].post("/v1/sync", bomb)).json()["code"])

    assert codes[-1] == "limit.work"
    assert (await bob.get("/v1/me")).status_code == 200


async def test_hello_announces_the_table(alice: Account) -> None:
    socket = await alice.connect()

    limits = (await socket.hello())["limits"]

    assert limits["rates"]["search"] == {"limit": 5, "window_seconds": 5, "by": "session"}
    assert limits["rates"]["send_room"] == {"limit": 80, "window_seconds": 40, "by": "room"}
    assert set(limits["sockets"]) == {"session", "user", "address"}
