"""typing: the full set of who types, told whenever it changes."""

import pytest

from tests.realtime.actions.knocking import SHUT, knock
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener, socket = await alice.listen(room), await bob.connect()

    reply = await socket.call("typing", room_id=room["id"], on=True)

    event = await listener.next_event("typing")
    assert (reply.status, reply.data) == (204, None)
    assert (event["room_id"], event["seq"]) == (room["id"], None)
    assert event["data"] == {"user_ids": [bob.id]}


async def test_the_set_grows_and_shrinks(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    one, two = await alice.listen(room), await bob.connect()

    await one.call("typing", room_id=room["id"], on=True)
    await two.call("typing", room_id=room["id"], on=True)
    await two.call("typing", room_id=room["id"], on=True)
    await one.call("typing", room_id=room["id"], on=False)
    await two.call("typing", room_id=room["id"], on=False)

    sets = [(await one.next_event("typing"))["data"]["user_ids"] for _ in range(4)]
    await one.settled()
    assert sets == [[alice.id], sorted([alice.id, bob.id]), [bob.id], []]
    assert len([event for event in one.events if event["type"] == "typing"]) == 4


async def test_who_is_not_in_the_room_hears_nothing(alice: Account, bob: Account, charlie: Account) -> None:
    room, other = await alice.make_room(bob), await alice.make_room(charlie)
    listener, elsewhere = await bob.listen(room), await charlie.listen(other)
    socket = await alice.connect()

    await socket.call("typing", room_id=room["id"], on=True)

    await listener.next_event("typing")
    await elsewhere.settled()
    assert [event["type"] for event in elsewhere.events] == ["room.synced"]


async def test_who_was_removed_hears_nothing(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener, removed = await alice.listen(room), await bob.listen(room)
    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")
    await removed.next_event("member.removed")

    await listener.call("typing", room_id=room["id"], on=True)

    await listener.next_event("typing")
    await removed.settled()
    assert removed.events[-1]["type"] == "member.removed"


@ONCE
@pytest.mark.parametrize("on", [None, 1, "true", "", []])
async def test_it_is_yes_or_no(alice: Account, on: object) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("typing", room_id=room["id"], on=on)

    assert reply.refusal == (400, "request.invalid")
    assert set(reply.fields) == {"on"}


async def test_nobody_types_in_an_archived_room(alice: Account) -> None:
    room = await alice.make_room()
    await alice.delete(f"/v1/rooms/{room['id']}")
    socket = await alice.connect()

    reply = await socket.call("typing", room_id=room["id"], on=True)

    assert reply.refusal == (409, "room.archived")


async def test_an_outsider_cannot_type(alice: Account, charlie: Account) -> None:
    assert await knock(charlie, alice, "typing", on=True) == SHUT
