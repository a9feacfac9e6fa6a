"""Slow rooms, slow readers, floods and cuts: each costs only itself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.realtime.deployment import HAS_REDIS, ONCE, Deployment
from tests.servers import ParleyServer
from tests.sockets import PATIENCE, Account

MIB = 1024 * 1024


async def held(http: httpx.AsyncClient, server: ParleyServer) -> dict[str, int]:
    """The objects that the process holds for its sockets."""
    counts: dict[str, int] = (await http.get(f"{server.url}/_held")).json()
    return counts


async def let_go(http: httpx.AsyncClient, server: ParleyServer, before: dict[str, int]) -> None:
    """Wait until it holds no more than before."""
    async with asyncio.timeout(PATIENCE):
        while any(count > before[what] for what, count in (await held(http, server)).items()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # another process returns its counts on request only


def memory(server: ParleyServer) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def message(text: str = "hello") -> dict[str, Any]:
    return {"action": "send_message", "client_id": uuid4().hex, "text": text}


async def test_a_disconnect_during_an_action_leaks_nothing(
    alice: Account, here: ParleyServer, http: httpx.AsyncClient, deployment: Deployment
) -> None:
    room = await alice.make_room()
    await (await alice.connect()).close()  # the first socket starts the tasks that watch presence
    before = await held(http, here)
    sockets = [await alice.listen(room, None) for _ in range(8)]

    with deployment.holding(room["id"]):
        for socket in sockets:
            await socket.send_json({**message(), "room_id": room["id"], "request_id": 1})
            await socket.send_json({"action": "subscribe", "room_id": room["id"], "after": 0})
            await socket.cut()

    await let_go(http, here, before)


async def test_no_answer_of_another_user_arrives_when_requests_are_cut(alice: Account, bob: Account) -> None:
    """Each user has a canary in the name, the room and the messages, and sends reads and writes at the same time."""
    canaries = {account.id: f"canary-{uuid4().hex}" for account in (alice, bob)}
    rooms = {}
    for account in (alice, bob):
        await account.patch("/v1/me", {"display_name": canaries[account.id]})
        rooms[account.id] = await account.make_room()
        await account.post_message(rooms[account.id], canaries[account.id])

    async def ask(account: Account, number: int) -> tuple[Account, httpx.Response]:
        messages, canary = f"/v1/rooms/{rooms[account.id]['id']}/messages", canaries[account.id]
        if number % 3 == 0:
            return account, await account.post(messages, {"client_id": uuid4().hex, "text": canary})
        return account, await account.get("/v1/me" if number % 3 == 1 else messages)

    cut, answered = 0, []
    for _ in range(8):
        kept, others = (
            [asyncio.create_task(ask(account, number)) for number in range(10) for account in (alice, bob)]
            for _ in range(2)
        )
        for answer, task in zip(asyncio.as_completed(kept), others, strict=True):
            await answer
            cut += task.cancel()  # with each answer another connection is closed, wherever its request is by then
        await asyncio.wait(others)
        answered += [task.result() for task in [*kept, *others] if not task.cancelled()]

    for account, response in answered:
        assert response.status_code in (200, 201), response.text
        other = next(canary for user_id, canary in canaries.items() if user_id != account.id)
        assert canaries[account.id] in response.text
        assert other not in response.text
    assert cut > 0
    assert len(answered) >= 8 * 20


async def test_a_disconnect_during_a_replay_leaks_nothing(
    alice: Account, here: ParleyServer, http: httpx.AsyncClient
) -> None:
    room = await alice.make_room()
    await alice.post_messages(room, 600)
    before = await held(http, here)

    for _ in range(5):
        socket = await alice.connect()
        await socket.send_json({"action": "subscribe", "room_id": room["id"], "after": 0})
        await socket.cut()

    await let_go(http, here, before)


async def test_a_slow_room_does_not_block_another_room(alice: Account, deployment: Deployment) -> None:
    slow, quick = await alice.make_room(), await alice.make_room()
    socket = await alice.connect()

    with deployment.holding(slow["id"]):
        await socket.send_json({**message(), "room_id": slow["id"], "request_id": "slow"})
        other = await socket.call("get_messages", room_id=quick["id"])
        pong = await socket.call("ping")
        if HAS_REDIS:  # SQLite has one lock for all that write
            reply = await socket.call("send_message", room_id=quick["id"], client_id="c", text="quick")
            assert reply.status == 201
        late = [frame for frame in socket.frames if frame.get("request_id") == "slow"]

    assert (other.status, pong.status, late) == (200, 200, [])
    assert (await socket.reply("slow")).status == 201


async def test_the_actions_of_a_slow_room_keep_their_order(alice: Account, deployment: Deployment) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)

    with deployment.holding(room["id"]):
        for number in range(5):
            await socket.send_json({**message(f"{number}"), "room_id": room["id"], "request_id": number})
        await socket.call("ping")

    await socket.reply(4)
    await socket.until_message("4")
    replies = [frame["request_id"] for frame in socket.frames if frame.get("action") == "send_message"]
    assert replies == list(range(5))
    assert socket.texts() == [f"{number}" for number in range(5)]


@ONCE
async def test_a_flooding_client_is_read_no_further(
    alice: Account, daphne: ParleyServer, deployment: Deployment
) -> None:
    """Eight frames are queued, then the server stops reading: the rest of 24 MiB is not transferred."""
    room = await alice.make_room()
    socket = await alice.connect(daphne)
    padding = json.dumps({**message(), "room_id": room["id"], "padding": "x" * 60_000})

    async def flood() -> None:
        for _ in range(400):
            await socket.send(padding)

    before = memory(daphne)
    with deployment.holding(room["id"]):
        await socket.send_json({**message(), "room_id": room["id"]})
        flooding = asyncio.ensure_future(flood())
        await asyncio.wait([flooding], timeout=1.0)
        assert not flooding.done()
        assert memory(daphne) - before < 4 * MIB
    await flooding

    await socket.settled()
    refused = [frame for frame in socket.frames if frame.get("response_status") == 400]
    assert len(refused) == 400


@ONCE
async def test_a_client_that_does_not_read_loses_nothing_and_costs_little(
    alice: Account, bob: Account, daphne: ParleyServer
) -> None:
    """A full outbox means to catch up from the log, as fast as the client reads: no hole, no double, no `limited`."""
    room = await alice.make_room(bob)
    speaker, witness = await alice.connect(daphne), await alice.listen(room, server=daphne)
    slow = await bob.connect(daphne, reading=False)
    await slow.send_json({"action": "subscribe", "room_id": room["id"], "request_id": 1})
    before = memory(daphne)

    for batch in range(110):
        big = {"text": "ü" * 7_900, "metadata": {"a": "x" * 4_000}}
        items = [{"client_id": f"{batch}-{n}", **big} for n in range(3)]
        await speaker.call("send_messages", room_id=room["id"], items=items)
    await witness.until_seq(room["id"], 331)
    cost = memory(daphne) - before

    slow.read()
    await slow.until_seq(room["id"], 331)
    assert slow.seqs(room["id"]) == list(range(2, 332))
    assert [event["type"] for event in slow.events if event["seq"] is None] == ["room.synced"]
    assert cost < 6 * MIB


@ONCE
async def test_replies_wait_while_the_client_does_not_read(alice: Account, daphne: ParleyServer) -> None:
    """An action starts only when its reply fits into the queue, so that requests without reading cost nothing."""
    room = await alice.make_room()
    await alice.post_messages(room, 100)
    socket = await alice.connect(daphne, reading=False)
    before = memory(daphne)

    async def request_pages() -> None:
        for number in range(300):
            await socket.send_json(
                {"action": "get_messages", "room_id": room["id"], "limit": 100, "request_id": number}
            )

    requests = asyncio.ensure_future(request_pages())
    await asyncio.wait([requests], timeout=1.5)
    cost = memory(daphne) - before
    socket.read()
    await requests

    await socket.reply(299)
    assert len({frame["request_id"] for frame in socket.frames if "request_id" in frame}) == 300
    assert cost < 6 * MIB


async def test_one_socket_receives_many_rooms(alice: Account, bob: Account) -> None:
    rooms = [await alice.make_room(bob) for _ in range(20)]
    socket = await bob.listen(*rooms)

    await asyncio.gather(*(alice.post_message(room, room["id"]) for room in rooms))

    for room in rooms:
        await socket.until_message(room["id"])
    assert sorted(socket.texts()) == sorted(room["id"] for room in rooms)


async def test_many_sockets_of_one_user_receive_the_same_events(alice: Account) -> None:
    room = await alice.make_room()
    sockets = [await alice.listen(room) for _ in range(40)]

    await alice.post_message(room, "to all of them")

    for socket in sockets:
        await socket.until_message("to all of them")
        assert socket.seqs(room["id"]) == [2]
