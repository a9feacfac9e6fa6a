"""subscribe: first the missed events, then live ones, each exactly once."""

from __future__ import annotations

import asyncio

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, NOWHERE, problems_for_outsider
from tests.realtime.deployment import ONCE
from tests.sockets import Account, Socket


def order(socket: Socket) -> list[str]:
    """The frames after hello: replies by action, events by type."""
    received: list[str] = []
    for frame in socket.frames[1:]:
        received += [event["type"] for event in frame["data"]] if frame["action"] == "events" else [frame["action"]]
    return received


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.connect()

    reply = await socket.call("subscribe", room_id=room["id"])
    message = await alice.post_message(room, "hello")

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


async def test_missed_events_are_replayed_first(alice: Account) -> None:
    room = await alice.make_room()
    for text in ("one", "two", "three"):
        await alice.post_message(room, text)
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=2)

    synced = await socket.next_event("room.synced")
    assert reply.data == {"room_id": room["id"], "after": 2, "head": 4, "epoch": 1, "replay": "complete"}
    assert socket.texts() == ["two", "three"]
    assert (synced["room_id"], synced["seq"], synced["data"]) == (room["id"], None, {"head": 4})
    assert order(socket) == ["subscribe", "message.created", "message.created", "room.synced"]


async def test_a_cursor_of_zero_replays_the_whole_log(alice: Account) -> None:
    room = await alice.make_room()
    await alice.post_message(room, "one")
    socket = await alice.connect()

    await socket.call("subscribe", room_id=room["id"], after=0, epoch=1)

    await socket.next_event("room.synced")
    log = (await alice.get(f"/v1/rooms/{room['id']}/events")).json()["results"]
    assert [event for event in socket.events if event["seq"]] == log
    assert [event["type"] for event in log] == ["room.created", "message.created"]


async def test_a_cursor_at_the_head_replays_nothing(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    await socket.call("subscribe", room_id=room["id"], after=1)

    await socket.next_event("room.synced")
    assert order(socket) == ["subscribe", "room.synced"]


async def test_a_thousand_missed_events_are_replayed(alice: Account) -> None:
    room = await alice.make_room()
    head = await alice.post_messages(room, 1_000)
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=1)

    await socket.next_event("room.synced")
    assert reply.data["replay"] == "complete"
    assert socket.seqs(room["id"]) == list(range(2, head + 1))


async def test_more_than_a_thousand_missed_events_are_reported_as_limited(alice: Account) -> None:
    room = await alice.make_room()
    head = await alice.post_messages(room, 1_000)
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=0)
    await alice.post_message(room, "live")

    await socket.until_message("live")
    limited = await socket.next_event("room.limited")
    assert reply.data == {"room_id": room["id"], "after": head, "head": head, "epoch": 1, "replay": "limited"}
    assert (limited["seq"], limited["data"]) == (None, {"from": 1, "to": head})
    assert order(socket) == ["subscribe", "room.limited", "room.synced", "message.created"]


@ONCE
@pytest.mark.parametrize("cursor", [{"after": 3}, {"after": 2**53 - 1}, {"after": 1, "epoch": 7}, {"epoch": 7}])
async def test_an_impossible_cursor_is_reset(alice: Account, cursor: dict[str, int]) -> None:
    room = await alice.make_room()
    await alice.post_message(room, "one")
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=room["id"], **cursor)
    await alice.post_message(room, "live")

    await socket.until_message("live")
    assert reply.data == {"room_id": room["id"], "after": 2, "head": 2, "epoch": 1, "replay": "reset"}
    assert order(socket) == ["subscribe", "room.synced", "message.created"]


async def test_a_second_subscribe_does_not_move_the_live_subscription(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)
    await alice.post_message(room, "one")
    await socket.until_message("one")

    again = await socket.call("subscribe", room_id=room["id"], after=0)
    await alice.post_message(room, "two")

    await socket.until_message("two")
    assert again.data == {"room_id": room["id"], "after": 2, "head": 2, "epoch": 1, "replay": "complete"}
    assert order(socket) == [
        "subscribe", "room.synced", "message.created", "subscribe", "room.synced", "message.created",
    ]  # fmt: skip


async def test_two_concurrent_subscribes_make_one_subscription(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()
    for request_id, room_id in enumerate([room["id"], room["id"].upper(), room["id"]]):
        await socket.send_json({"action": "subscribe", "room_id": room_id, "after": 0, "request_id": request_id})
    for request_id in range(3):
        await socket.reply(request_id)

    await alice.post_message(room, "once")

    await socket.until_message("once")
    await socket.settled()
    assert socket.seqs(room["id"]) == [1, 2]


async def test_a_subscribe_during_sends_loses_and_duplicates_nothing(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    sockets = [await bob.connect() for _ in range(5)]

    async def talk() -> None:
        for number in range(40):
            await alice.post_message(room, f"{number}")

    async def listen(socket: Socket, pause: int) -> None:
        await sockets[0].until_message(f"{pause}") if pause else None
        await socket.call("subscribe", room_id=room["id"], after=0)

    talking = asyncio.ensure_future(talk())
    await asyncio.gather(*(listen(socket, 7 * place) for place, socket in enumerate(sockets)))
    await talking

    for socket in sockets:
        await socket.until_message("39")
        assert socket.seqs(room["id"]) == list(range(1, 42))


async def test_a_reconnect_continues_at_the_cursor(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    first = await bob.listen(room)
    await alice.post_message(room, "one")
    await first.until_message("one")
    await first.cut()
    await alice.post_message(room, "two")

    second = await bob.connect()
    await second.call("subscribe", room_id=room["id"], after=first.seqs(room["id"])[-1])

    await second.next_event("room.synced")
    assert first.texts() + second.texts() == ["one", "two"]


async def test_an_archived_room_can_be_subscribed_to(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    live = await bob.listen(room)
    await alice.delete(f"/v1/rooms/{room['id']}")
    late = await bob.connect()

    reply = await late.call("subscribe", room_id=room["id"], after=1)

    assert reply.data["replay"] == "complete"
    for socket in (live, late):
        assert (await socket.next_event("room.archived"))["seq"] == 2


async def test_null_subscribes_to_the_inbox(alice: Account, bob: Account) -> None:
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
async def test_a_bad_subscribe_is_rejected(alice: Account, body: dict[str, object]) -> None:
    socket = await alice.connect()

    reply = await socket.call("subscribe", **body)

    assert reply.refusal == (400, "request.invalid")


async def test_an_outsider_cannot_subscribe(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "subscribe", after=0) == NOT_ACCESSIBLE


async def test_the_inbox_of_another_user_cannot_be_subscribed_to(alice: Account, charlie: Account) -> None:
    socket = await charlie.connect()

    reply = await socket.call("subscribe", room_id=alice.id, after=0)

    assert reply.refusal == (404, "not_found")


async def test_the_own_inbox_has_no_room_id(alice: Account) -> None:
    socket = await alice.connect()

    reply = await socket.call("subscribe", room_id=alice.id)

    assert reply.refusal == (404, "not_found")


async def test_spellings_of_one_room_id_share_an_ordering_key(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    for number, written in enumerate([room["id"], room["id"].upper()] * 4):
        await socket.send_json({"action": "subscribe", "room_id": written, "request_id": number})
    await socket.reply(7)

    replies = [frame["request_id"] for frame in socket.frames if frame.get("action") == "subscribe"]
    assert replies == list(range(8))
