"""unsubscribe: nothing of it follows the reply."""

import asyncio

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, NOWHERE, problems_for_outsider
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account) -> None:
    room = await alice.make_room()
    socket, witness = await alice.listen(room), await alice.listen(room)

    reply = await socket.call("unsubscribe", room_id=room["id"])
    await alice.post_message(room, "unheard")

    await witness.until_message("unheard")
    await socket.settled()
    assert (reply.status, reply.data) == (200, {"room_id": room["id"]})
    assert socket.texts() == []


async def test_no_event_follows_the_reply_while_others_send(alice: Account) -> None:
    room = await alice.make_room()
    socket, witness = await alice.listen(room), await alice.listen(room)
    talking = asyncio.gather(*(alice.post_message(room, f"{number}") for number in range(30)))
    await socket.next_event("message.created")

    reply = await socket.call("unsubscribe", room_id=room["id"])

    await talking
    await witness.until_seq(room["id"], 31)
    await socket.settled()
    after = socket.frames[socket.frames.index(reply.frame) + 1 :]
    assert [frame["action"] for frame in after] == ["ping"]


async def test_an_unsubscribe_during_a_replay_ends_the_replay(alice: Account) -> None:
    room = await alice.make_room()
    await alice.post_messages(room, 900)
    socket = await alice.connect()

    await socket.send_json({"action": "subscribe", "room_id": room["id"], "after": 0})
    reply = await socket.call("unsubscribe", room_id=room["id"])

    await socket.settled()
    after = socket.frames[socket.frames.index(reply.frame) + 1 :]
    assert [frame["action"] for frame in after] == ["ping"]


async def test_a_subscribe_after_an_unsubscribe_misses_nothing(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)
    await alice.post_message(room, "one")
    await socket.until_message("one")
    await socket.call("unsubscribe", room_id=room["id"])
    await alice.post_message(room, "two")

    await socket.call("subscribe", room_id=room["id"], after=2)

    await socket.until_message("two")
    assert socket.seqs(room["id"]) == [2, 3]


async def test_null_unsubscribes_from_the_inbox(alice: Account, bob: Account) -> None:
    socket, witness = await bob.listen(None), await bob.listen(None)

    reply = await socket.call("unsubscribe", room_id=None)
    await alice.make_room(bob)

    await witness.next_event("room.added")
    await socket.settled()
    assert reply.data == {"room_id": None}
    assert [event["type"] for event in socket.events] == ["room.synced"]


async def test_a_second_unsubscribe_changes_nothing(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)

    replies = [await socket.call("unsubscribe", room_id=room["id"]) for _ in range(2)]

    assert [reply.status for reply in replies] == [200, 200]


async def test_a_removed_member_can_unsubscribe_from_the_paused_room(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.listen(room)
    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")
    await socket.next_event("member.removed")

    reply = await socket.call("unsubscribe", room_id=room["id"])

    assert reply.status == 200


async def test_an_outsider_cannot_unsubscribe(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "unsubscribe") == NOT_ACCESSIBLE


@ONCE
@pytest.mark.parametrize("body", [{}, {"room_id": 5}, {"room_id": "lobby"}, {"room_id": NOWHERE, "after": 1}])
async def test_a_bad_unsubscribe_is_rejected(alice: Account, body: dict[str, object]) -> None:
    socket = await alice.connect()

    reply = await socket.call("unsubscribe", **body)

    assert reply.refusal == (400, "request.invalid")
