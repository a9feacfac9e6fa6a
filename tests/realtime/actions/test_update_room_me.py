"""update_room_me: a room is hidden from my lists, on all my devices, until its next message."""

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, answer, problems_for_outsider, reply_content
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.connect()

    reply = await socket.call("update_room_me", room_id=room["id"], hidden=True)

    assert (reply.status, reply.data["hidden"]) == (200, True)
    assert reply_content(reply) == answer(await bob.patch(f"/v1/rooms/{room['id']}/me", {"hidden": True}))
    assert (await bob.get("/v1/rooms")).json()["results"] == []


async def test_other_devices_receive_the_change_in_the_inbox(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    phone, laptop = await bob.connect(), await bob.listen(None)

    await phone.call("update_room_me", room_id=room["id"], hidden=True)

    event = await laptop.next_event("room.preferred")
    assert (event["room_id"], event["actor_id"], event["seq"]) == (None, bob.id, 2)
    unchanged = {"notify": "all", "snoozed_until": None, "pinned": False}
    assert event["data"] == {"room_id": room["id"], "hidden": True, "head": 1, **unchanged}


async def test_a_hidden_room_is_still_delivered(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener = await bob.listen(room)
    await listener.call("update_room_me", room_id=room["id"], hidden=True)

    await alice.post_message(room, "are you there?")

    await listener.until_message("are you there?")
    assert [found["id"] for found in (await bob.get("/v1/rooms")).json()["results"]] == [room["id"]]


@ONCE
@pytest.mark.parametrize("body", [{"hidden": 1}, {"hidden": "yes"}, {"colour": "red"}])
async def test_a_bad_field_of_room_me_is_rejected(alice: Account, body: dict[str, object]) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("update_room_me", room_id=room["id"], **body)

    assert reply.refusal == (400, "request.invalid")
    assert reply_content(reply) == answer(await alice.patch(f"/v1/rooms/{room['id']}/me", body))


async def test_an_outsider_cannot_hide_a_room(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "update_room_me", hidden=True) == NOT_ACCESSIBLE
