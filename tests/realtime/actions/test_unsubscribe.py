"""unsubscribe: nothing of it follows the reply."""

import asyncio

import pytest

from tests.realtime.actions.outsider_checks import NOWHERE, REFUSED, try_as_outsider
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account) -> None:
    room = await alice.make_room()
    socket, witness = await alice.listen(room), await alice.listen(room)

    reply = await socket.call("unsubscribe", room_id=room["id"])
    await alice.say(room, "unheard")

    await witness.until_said("unheard")
    await socket.settled()
    assert (reply.status, reply.data) == (200, {"room_id": room["id"]})
    assert socket.said() == []


async def test_nothing_follows_the_reply_while_others_talk(alice: Account) -> None:
    room = await alice.make_room()
    socket, witness = await alice.listen(room), await alice.listen(room)
    talking = asyncio.gather(*(alice.say(room, f"{number}") for number in range(30)))
    await socket.next_event("message.created")

    reply = await socket.call("unsubscribe", room_id=room["id"])

    await talking
    await witness.until_seq(room["id"], 31)
    await socket.settled()
    after = socket.frames[socket.frames.index(reply.frame) + 1 :]
    assert [frame["action"] for frame in after] == ["ping"]


async def test_during_a_replay_it_stops_there(alice: Account) -> None:
    room = await alice.make_room()
    await alice.say_many(room, 900)
    socket = await alice.connect()

    await socket.say({"action": "subscribe", "room_id": room["id"], "after": 0})
    reply = await socket.call("unsubscribe", room_id=room["id"])

    await socket.settled()
    after = socket.frames[socket.frames.index(reply.frame) + 1 :]
    assert [frame["action"] for frame in after] == ["ping"]


async def test_and_back_without_a_hole(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)
    await alice.say(room, "one")
    await socket.until_said("one")
    await socket.call("unsubscribe", room_id=room["id"])
    await alice.say(room, "two")

    await socket.call("subscribe", room_id=room["id"], after=2)

    await socket.until_said("two")
    assert socket.seqs(room["id"]) == [2, 3]


async def test_the_inbox_has_no_room(alice: Account, bob: Account) -> None:
    socket, witness = await bob.listen(None), await bob.listen(None)

    reply = await socket.call("unsubscribe", room_id=None)
    await alice.make_room(bob)

    await witness.next_event("room.added")
    await socket.settled()
    assert reply.data == {"room_id": None}
    assert [event["type"] for event in socket.events] == ["room.synced"]


async def test_leaving_it_again_changes_nothing(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)

    replies = [await socket.call("unsubscribe", room_id=room["id"]) for _ in range(2)]

    assert [reply.status for reply in replies] == [200, 200]


async def test_who_was_removed_may_leave_what_went_silent(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.listen(room)
    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")
    await socket.next_event("member.removed")

    reply = await socket.call("unsubscribe", room_id=room["id"])

    assert reply.status == 200


async def test_an_outsider_has_nothing_to_leave(alice: Account, charlie: Account) -> None:
    assert await try_as_outsider(charlie, alice, "unsubscribe") == REFUSED


@ONCE
@pytest.mark.parametrize("body", [{}, {"room_id": 5}, {"room_id": "lobby"}, {"room_id": NOWHERE, "after": 1}])
async def test_a_bad_body_is_refused(alice: Account, body: dict[str, object]) -> None:
    socket = await alice.connect()

    reply = await socket.call("unsubscribe", **body)

    assert reply.refusal == (400, "request.invalid")
