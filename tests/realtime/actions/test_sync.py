"""sync: one frame after connecting brings everything that was missed, and the socket is live from there."""

from typing import Any

import pytest

from tests.realtime.actions.outsider_checks import NOWHERE, rest_result, socket_result
from tests.realtime.deployment import ONCE
from tests.servers import ParleyServer
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await alice.say(room, "missed")
    socket = await bob.connect()

    reply = await socket.call("sync", rooms={room["id"]: 1}, inbox=0, epoch=1, subscribe=True)
    await alice.say(room, "live")

    await socket.until_said("live")
    [synced] = reply.data["rooms"]
    assert (reply.status, reply.data["next"]) == (200, None)
    assert [event["data"]["text"] for event in synced["events"]] == ["missed"]
    assert (synced["id"], synced["head"], synced["limited"], synced["reset"]) == (room["id"], 2, None, False)
    assert socket.seqs(room["id"]) == [3]


async def test_rest_gives_the_same(alice: Account, bob: Account) -> None:
    rooms = [await alice.make_room(bob) for _ in range(3)]
    await alice.say(rooms[0], "missed")
    socket = await bob.connect()
    body = {"rooms": {rooms[0]["id"]: 1, rooms[1]["id"]: 1}, "inbox": 1, "epoch": 1, "limit": 100, "next": None}

    reply = await socket.call("sync", **body)

    assert socket_result(reply) == rest_result(await bob.post("/v1/sync", body))
    assert {entry["id"] for entry in reply.data["rooms"]} == {rooms[0]["id"], rooms[2]["id"]}


async def test_without_subscribe_nothing_is_live(alice: Account) -> None:
    room = await alice.make_room()
    socket, witness = await alice.connect(), await alice.listen(room)

    await socket.call("sync", rooms={room["id"]: 1})
    await alice.say(room, "unheard")

    await witness.until_said("unheard")
    await socket.settled()
    assert socket.events == []


async def test_a_room_that_is_added_later_is_heard_from_my_own_join_on(alice: Account, bob: Account) -> None:
    socket = await bob.connect()
    await socket.call("sync", subscribe=True)

    room = await alice.make_room(bob)
    await alice.say(room, "welcome")

    await socket.until_said("welcome")
    assert socket.seqs(room["id"]) == [1, 2]


@pytest.mark.parametrize("how", ["made", "joined", "opened", "added again"])
async def test_a_room_that_is_entered_later_is_live(alice: Account, bob: Account, how: str) -> None:
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
    await alice.say(room, "welcome")

    await socket.until_said("welcome")
    added = await socket.next_event("room.added")
    assert added["data"]["id"] == room["id"]
    first = added["data"]["seq"]
    assert socket.seqs(room["id"]) == [first, first + 1]


async def test_every_page_is_live_and_nothing_is_doubled(alice: Account, bob: Account) -> None:
    rooms = [await alice.make_room(bob) for _ in range(4)]
    for room in rooms:
        await alice.say(room, f"in {room['id']}")
    socket = await bob.connect()
    body: dict[str, Any] = {"rooms": {room["id"]: 0 for room in rooms}, "limit": 3, "subscribe": True}

    seqs: dict[str, list[int]] = {room["id"]: [] for room in rooms}
    page = (await socket.call("sync", **body)).data
    pages = [page]
    while page["next"] is not None:
        page = (await socket.call("sync", **body, next=page["next"])).data
        pages.append(page)
    for room in rooms:
        await alice.say(room, f"live in {room['id']}")
        await socket.until_said(f"live in {room['id']}")

    for entry in (entry for page in pages for entry in page["rooms"]):
        seqs[entry["id"]] += [event["seq"] for event in entry["events"]]
    assert len(pages) > 1
    assert {room_id: sorted(seqs[room_id] + socket.seqs(room_id)) for room_id in seqs} == {
        room["id"]: [1, 2, 3] for room in rooms
    }


async def test_a_crowd_that_comes_back_at_once_is_nobodys_trouble(alice: Account, bob: Account) -> None:
    """Two devices of each, one that says nonsense and one that hangs up: what is asked together is answered apart."""
    room = await alice.make_room(bob)
    await alice.say(room, "missed")
    sockets = [await account.connect() for account in (alice, bob) for _ in range(2)]
    astray, cut = await bob.connect(), await alice.connect()
    body = {"action": "sync", "request_id": 1, "rooms": {room["id"]: 1}, "subscribe": True}

    for socket in (cut, *sockets[:2], astray, *sockets[2:]):
        await socket.say({**body, "next": "nonsense"} if socket is astray else body)
    await cut.cut()
    replies = [await socket.reply(1) for socket in sockets]
    refused = await astray.reply(1)
    await alice.say(room, "live")

    assert [[event["seq"] for event in reply.data["rooms"][0]["events"]] for reply in replies] == [[2]] * 4
    assert refused.refusal == (400, "request.invalid")
    for socket in sockets:
        await socket.until_said("live")
        assert socket.seqs(room["id"]) == [3]
    await astray.settled()
    assert astray.events == []


async def test_it_follows_what_another_process_says(alice: Account, bob: Account, there: ParleyServer) -> None:
    room = await alice.make_room(bob)
    socket = await bob.connect(there)

    await socket.call("sync", rooms={room["id"]: 1}, inbox=0, subscribe=True)
    await alice.say(room, "across")

    await socket.until_said("across")
    assert socket.seqs(room["id"]) == [2]


async def test_a_room_that_was_left_is_named(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await bob.post(f"/v1/rooms/{room['id']}/leave")
    socket = await bob.connect()

    reply = await socket.call("sync", rooms={room["id"]: 1})

    assert reply.data["removed"] == [{"id": room["id"], "reason": "left", "seq": 2}]


async def test_an_outsider_learns_nothing(alice: Account, charlie: Account) -> None:
    room = await alice.make_room()
    socket = await charlie.connect()

    reply = await socket.call("sync", rooms={room["id"]: 0, NOWHERE: 0}, subscribe=True)

    await alice.say(room, "a secret")
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
async def test_a_bad_body_is_refused_alike_on_both_faces(alice: Account, body: dict[str, Any]) -> None:
    socket = await alice.connect()

    reply = await socket.call("sync", **body)

    assert reply.refusal == (400, "request.invalid")
    assert socket_result(reply) == rest_result(await alice.post("/v1/sync", body))


@ONCE
@pytest.mark.parametrize("subscribe", [1, "true", []])
async def test_subscribe_is_yes_or_no(alice: Account, subscribe: object) -> None:
    socket = await alice.connect()

    reply = await socket.call("sync", subscribe=subscribe)

    assert reply.refusal == (400, "request.invalid")
