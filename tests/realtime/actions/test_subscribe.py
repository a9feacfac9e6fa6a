"""subscribe: first what was missed, then live, without a hole and without a double."""

from __future__ import annotations

import asyncio

import pytest

from tests.realtime.actions.outsider_checks import NOWHERE, REFUSED, try_as_outsider
from tests.realtime.deployment import ONCE
from tests.sockets import Account, Socket


def order(socket: Socket) -> list[str]:
    """What came after hello, frame by frame: replies by action, events by type."""
    heard: list[str] = []
    for frame in socket.frames[1:]:
        heard += [event["type"] for event in frame["data"]] if frame["action"] == "events" else [frame["action"]]
    return heard


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.connect()

    reply = await socket.call("subscribe", room_id=room["id"])
    message = await alice.say(room, "hello")

    event = await socket.next_event("message.created")
    assert reply.status == 200
    assert reply.data == {"room_id": room["id"], "after": 1, "head": 1, "epoch": 1, "replay": "complete"}
    assert event == {
        "type": "message.created",
        "room_id": room["id"],
        "seq": 2,
        "at": message["created_at"],
        "actor_id": alice.id,
        "data": message,
    }
    assert order(socket) == ["subscribe", "room.synced", "message.created"]


async def test_what_was_missed_comes_first(alice: Account) -> None:
    room = await alice.make_room()
    for text in ("one", "two", "three"):
        await alice.say(room, text)
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=2)

    synced = await socket.next_event("room.synced")
    assert reply.data == {"room_id": room["id"], "after": 2, "head": 4, "epoch": 1, "replay": "complete"}
    assert socket.said() == ["two", "three"]
    assert (synced["room_id"], synced["seq"], synced["data"]) == (room["id"], None, {"head": 4})
    assert order(socket) == ["subscribe", "message.created", "message.created", "room.synced"]


async def test_from_the_beginning_it_is_the_whole_log(alice: Account) -> None:
    room = await alice.make_room()
    await alice.say(room, "one")
    socket = await alice.connect()

    await socket.call("subscribe", room_id=room["id"], after=0, epoch=1)

    await socket.next_event("room.synced")
    log = (await alice.get(f"/v1/rooms/{room['id']}/events")).json()["results"]
    assert [event for event in socket.events if event["seq"]] == log
    assert [event["type"] for event in log] == ["room.created", "message.created"]


async def test_nothing_missed_is_nothing_replayed(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    await socket.call("subscribe", room_id=room["id"], after=1)

    await socket.next_event("room.synced")
    assert order(socket) == ["subscribe", "room.synced"]


async def test_a_thousand_are_replayed(alice: Account) -> None:
    room = await alice.make_room()
    head = await alice.say_many(room, 1_000)
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=1)

    await socket.next_event("room.synced")
    assert reply.data["replay"] == "complete"
    assert socket.seqs(room["id"]) == list(range(2, head + 1))


async def test_of_more_it_says_what_is_missing(alice: Account) -> None:
    room = await alice.make_room()
    head = await alice.say_many(room, 1_000)
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=0)
    await alice.say(room, "live")

    await socket.until_said("live")
    limited = await socket.next_event("room.limited")
    assert reply.data == {"room_id": room["id"], "after": head, "head": head, "epoch": 1, "replay": "limited"}
    assert (limited["seq"], limited["data"]) == (None, {"from": 1, "to": head})
    assert order(socket) == ["subscribe", "room.limited", "room.synced", "message.created"]


@ONCE
@pytest.mark.parametrize("cursor", [{"after": 3}, {"after": 2**53 - 1}, {"after": 1, "epoch": 7}, {"epoch": 7}])
async def test_a_cursor_that_cannot_be_is_reset(alice: Account, cursor: dict[str, int]) -> None:
    room = await alice.make_room()
    await alice.say(room, "one")
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], **cursor)
    await alice.say(room, "live")

    await socket.until_said("live")
    assert reply.data == {"room_id": room["id"], "after": 2, "head": 2, "epoch": 1, "replay": "reset"}
    assert order(socket) == ["subscribe", "room.synced", "message.created"]


async def test_again_on_a_live_one_moves_nothing(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)
    await alice.say(room, "one")
    await socket.until_said("one")

    again = await socket.call("subscribe", room_id=room["id"], after=0)
    await alice.say(room, "two")

    await socket.until_said("two")
    assert again.data == {"room_id": room["id"], "after": 2, "head": 2, "epoch": 1, "replay": "complete"}
    assert order(socket) == [
        "subscribe", "room.synced", "message.created", "subscribe", "room.synced", "message.created",
    ]  # fmt: skip


async def test_twice_in_one_breath_is_one_subscription(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()
    for request_id, room_id in enumerate([room["id"], room["id"].upper(), room["id"]]):
        await socket.say({"action": "subscribe", "room_id": room_id, "after": 0, "request_id": request_id})
    for request_id in range(3):
        await socket.reply(request_id)

    await alice.say(room, "once")

    await socket.until_said("once")
    await socket.settled()
    assert socket.seqs(room["id"]) == [1, 2]


async def test_while_others_talk_nothing_is_lost_or_doubled(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    sockets = [await bob.connect() for _ in range(5)]

    async def talk() -> None:
        for number in range(40):
            await alice.say(room, f"{number}")

    async def listen(socket: Socket, pause: int) -> None:
        await sockets[0].until_said(f"{pause}") if pause else None
        await socket.call("subscribe", room_id=room["id"], after=0)

    talking = asyncio.ensure_future(talk())
    await asyncio.gather(*(listen(socket, 7 * place) for place, socket in enumerate(sockets)))
    await talking

    for socket in sockets:
        await socket.until_said("39")
        assert socket.seqs(room["id"]) == list(range(1, 42))


async def test_a_return_after_a_cut_goes_on_where_it_was(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    first = await bob.listen(room)
    await alice.say(room, "one")
    await first.until_said("one")
    await first.cut()
    await alice.say(room, "two")

    second = await bob.connect()
    await second.call("subscribe", room_id=room["id"], after=first.seqs(room["id"])[-1])

    await second.next_event("room.synced")
    assert first.said() + second.said() == ["one", "two"]


async def test_an_archived_room_is_still_heard(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    live = await bob.listen(room)
    await alice.delete(f"/v1/rooms/{room['id']}")
    late = await bob.connect()

    reply = await late.call("subscribe", room_id=room["id"], after=1)

    assert reply.data["replay"] == "complete"
    for socket in (live, late):
        assert (await socket.next_event("room.archived"))["seq"] == 2


async def test_the_inbox_has_no_room(alice: Account, bob: Account) -> None:
    socket = await bob.connect()

    reply = await socket.call("subscribe", room_id=None, after=0)
    room = await alice.make_room(bob)

    event = await socket.next_event("room.added")
    assert reply.data == {"room_id": None, "after": 0, "head": 0, "epoch": 1, "replay": "complete"}
    assert (event["room_id"], event["seq"], event["data"]["id"]) == (None, 1, room["id"])


@ONCE
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"room_id": 5},
        {"room_id": "lobby"},
        {"room_id": ""},
        {"room_id": NOWHERE, "after": -1},
        {"room_id": NOWHERE, "after": "1"},
        {"room_id": NOWHERE, "after": 1.5},
        {"room_id": NOWHERE, "epoch": 0},
        {"room_id": NOWHERE, "epoch": True},
        {"room_id": NOWHERE, "seq": 1},
    ],
)
async def test_a_bad_body_is_refused(alice: Account, body: dict[str, object]) -> None:
    socket = await alice.connect()

    reply = await socket.call("subscribe", **body)

    assert reply.refusal == (400, "request.invalid")


async def test_an_outsider_hears_nothing(alice: Account, charlie: Account) -> None:
    assert await try_as_outsider(charlie, alice, "subscribe", after=0) == REFUSED


async def test_nobody_hears_the_inbox_of_another(alice: Account, charlie: Account) -> None:
    socket = await charlie.connect()

    reply = await socket.call("subscribe", room_id=alice.id, after=0)

    assert reply.refusal == (404, "not_found")


async def test_the_own_inbox_goes_by_no_id(alice: Account) -> None:
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=alice.id)

    assert reply.refusal == (404, "not_found")


async def test_a_room_is_one_lane_however_its_id_is_written(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    for number, written in enumerate([room["id"], room["id"].upper()] * 4):
        await socket.say({"action": "subscribe", "room_id": written, "request_id": number})
    await socket.reply(7)

    replies = [frame["request_id"] for frame in socket.frames if frame.get("action") == "subscribe"]
    assert replies == list(range(8))
