"""sync: one frame after connecting brings everything that was missed, and the socket is live from there."""

from typing import Any

import pytest

from tests.realtime.actions.outsider_answers import NOWHERE, answer, reply_content
from tests.realtime.deployment import ONCE
from tests.servers import ParleyServer
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await alice.post_message(room, "missed")
    socket = await bob.connect()

    reply = await socket.call("sync", rooms={room["id"]: 1}, inbox=0, epoch=1, subscribe=True)
    await alice.post_message(room, "live")

    await socket.until_message("live")
    [synced] = reply.data["rooms"]
    assert (reply.status, reply.data["next"]) == (200, None)
    assert [event["data"]["text"] for event in synced["events"]] == ["missed"]
    assert (synced["id"], synced["head"], synced["limited"], synced["reset"]) == (room["id"], 2, None, False)
    assert socket.seqs(room["id"]) == [3]


async def test_rest_returns_the_same_sync(alice: Account, bob: Account) -> None:
    rooms = [await alice.make_room(bob) for _ in range(3)]
    await alice.post_message(rooms[0], "missed")
    socket = await bob.connect()
    body = {"rooms": {rooms[0]["id"]: 1, rooms[1]["id"]: 1}, "inbox": 1, "epoch": 1, "limit": 100, "next": None}

    reply = await socket.call("sync", **body)

    assert reply_content(reply) == answer(await bob.post("/v1/sync", body))
    assert {entry["id"] for entry in reply.data["rooms"]} == {rooms[0]["id"], rooms[2]["id"]}


async def test_a_sync_without_subscribe_starts_no_subscription(alice: Account) -> None:
    room = await alice.make_room()
    socket, witness = await alice.connect(), await alice.listen(room)

    await socket.call("sync", rooms={room["id"]: 1})
    await alice.post_message(room, "unheard")

    await witness.until_message("unheard")
    await socket.settled()
    assert socket.events == []


async def test_a_room_that_is_added_later_is_delivered_from_the_own_join_on(alice: Account, bob: Account) -> None:
    socket = await bob.connect()
    await socket.call("sync", subscribe=True)

    room = await alice.make_room(bob)
    await alice.post_message(room, "welcome")

    await socket.until_message("welcome")
    assert socket.seqs(room["id"]) == [1, 2]


@pytest.mark.parametrize("how", ["made", "joined", "opened", "added again"])
async def test_a_room_that_is_joined_later_is_live(alice: Account, bob: Account, how: str) -> None:
    public = await alice.make_room(kind="public")
    private = await alice.make_room(bob)
    await alice.delete(f"/v1/rooms/{private['id']}/members/{bob.id}")
    socket = await bob.connect()
    await socket.call("sync", subscribe=True)

    room: dict[str, Any] = public
    if how == "made":
        room = await bob.make_room(alice)
    elif how == "joined":
        await bob.post(f"/v1/rooms/{public['id']}/join")
    elif how == "opened":
        room = (await alice.put(f"/v1/rooms/direct/{bob.id}")).json()
    else:
        room = private
        await alice.put(f"/v1/rooms/{private['id']}/members/{bob.id}")
    await alice.post_message(room, "welcome")

    await socket.until_message("welcome")
    added = await socket.next_event("room.added")
    assert added["data"]["id"] == room["id"]
    first = added["data"]["seq"]
    assert socket.seqs(room["id"]) == [first, first + 1]


async def test_every_page_of_a_sync_becomes_live_without_duplicates(alice: Account, bob: Account) -> None:
    rooms = [await alice.make_room(bob) for _ in range(4)]
    for room in rooms:
        await alice.post_message(room, f"in {room['id']}")
    socket = await bob.connect()
    body: dict[str, Any] = {"rooms": {room["id"]: 0 for room in rooms}, "limit": 3, "subscribe": True}

    seqs: dict[str, list[int]] = {room["id"]: [] for room in rooms}
    page = (await socket.call("sync", **body)).data
    pages = [page]
    while page["next"] is not None:
        page = (await socket.call("sync", **body, next=page["next"])).data
        pages.append(page)
    for room in rooms:
        await alice.post_message(room, f"live in {room['id']}")
        await socket.until_message(f"live in {room['id']}")

    for entry in (entry for page in pages for entry in page["rooms"]):
        seqs[entry["id"]] += [event["seq"] for event in entry["events"]]
    assert len(pages) > 1
    assert {room_id: sorted(seqs[room_id] + socket.seqs(room_id)) for room_id in seqs} == {
        room["id"]: [1, 2, 3] for room in rooms
    }


async def test_many_devices_can_sync_at_once(alice: Account, bob: Account) -> None:
    """Two devices of each user, one of them with a bad body and one that disconnects: each gets its own answer."""
    room = await alice.make_room(bob)
    await alice.post_message(room, "missed")
    sockets = [await account.connect() for account in (alice, bob) for _ in range(2)]
    astray, cut = await bob.connect(), await alice.connect()
    body = {"action": "sync", "request_id": 1, "rooms": {room["id"]: 1}, "subscribe": True}

    for socket in (cut, *sockets[:2], astray, *sockets[2:]):
        await socket.send_json({**body, "next": "nonsense"} if socket is astray else body)
    await cut.cut()
    replies = [await socket.reply(1) for socket in sockets]
    refused = await astray.reply(1)
    await alice.post_message(room, "live")

    assert [[event["seq"] for event in reply.data["rooms"][0]["events"]] for reply in replies] == [[2]] * 4
    assert refused.refusal == (400, "request.invalid")
    for socket in sockets:
        await socket.until_message("live")
        assert socket.seqs(room["id"]) == [3]
    await astray.settled()
    assert astray.events == []


async def test_a_synced_device_receives_messages_of_another_process(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    socket = await bob.connect(there)

    await socket.call("sync", rooms={room["id"]: 1}, inbox=0, subscribe=True)
    await alice.post_message(room, "across")

    await socket.until_message("across")
    assert socket.seqs(room["id"]) == [2]


async def test_a_sync_reports_a_room_that_was_left(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await bob.post(f"/v1/rooms/{room['id']}/leave")
    socket = await bob.connect()

    reply = await socket.call("sync", rooms={room["id"]: 1})

    assert reply.data["removed"] == [{"id": room["id"], "reason": "left", "seq": 2}]


async def test_an_outsider_learns_nothing_by_sync(alice: Account, charlie: Account) -> None:
    room = await alice.make_room()
    socket = await charlie.connect()

    reply = await socket.call("sync", rooms={room["id"]: 0, NOWHERE: 0}, subscribe=True)

    await alice.post_message(room, "a secret")
    await socket.settled()
    assert (reply.data["rooms"], reply.data["inbox"]["events"]) == ([], [])
    assert "secret" not in str(socket.frames)


@ONCE
@pytest.mark.parametrize(
    "body",
    [
        {"rooms": []},
        {"rooms": {"lobby": 1}},
        {"rooms": {NOWHERE: -1}},
        {"rooms": {NOWHERE: "1"}},
        {"inbox": -1},
        {"inbox": "0"},
        {"epoch": 1.5},
        {"limit": 0},
        {"limit": 1001},
        {"next": 5},
        {"next": "nonsense"},
        {"you": 1},
    ],
)
async def test_a_bad_sync_is_rejected_alike_by_rest_and_socket(alice: Account, body: dict[str, Any]) -> None:
    socket = await alice.connect()

    reply = await socket.call("sync", **body)

    assert reply.refusal == (400, "request.invalid")
    assert reply_content(reply) == answer(await alice.post("/v1/sync", body))


@ONCE
@pytest.mark.parametrize("subscribe", [1, "true", []])
async def test_subscribe_must_be_a_boolean(alice: Account, subscribe: object) -> None:
    socket = await alice.connect()

    reply = await socket.call("sync", subscribe=subscribe)

    assert reply.refusal == (400, "request.invalid")
