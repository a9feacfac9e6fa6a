"""typing: the full set of typing users is sent after each change."""

import asyncio

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, problems_for_outsider
from tests.realtime.deployment import ONCE
from tests.sockets import Account, Socket


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener, socket = await alice.listen(room), await bob.connect()

    reply = await socket.call("typing", room_id=room["id"], on=True)

    event = await listener.next_event("typing")
    assert (reply.status, reply.data) == (204, None)
    assert (event["room_id"], event["seq"]) == (room["id"], None)
    assert event["data"] == {"user_ids": [bob.id]}


async def test_the_set_of_typing_users_grows_and_shrinks(alice: Account, bob: Account) -> None:
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


async def typing_set(listener: Socket, wanted: list[str]) -> None:
    """Wait until this is the set of typing users."""
    while (await listener.next_event("typing"))["data"]["user_ids"] != sorted(wanted):
        pass


@pytest.mark.parametrize("face", ["socket", "rest"])
async def test_a_message_ends_the_typing_of_its_sender_alone(alice: Account, bob: Account, face: str) -> None:
    room = await alice.make_room(bob)
    listener, socket = await alice.listen(room), await bob.connect()
    await listener.call("typing", room_id=room["id"], on=True)
    await socket.call("typing", room_id=room["id"], on=True)
    await typing_set(listener, [alice.id, bob.id])

    if face == "rest":
        await bob.post_message(room, "there")
    else:
        await socket.call("send_message", room_id=room["id"], client_id="c1", text="there")

    await typing_set(listener, [alice.id])
    kinds = [event["type"] for event in listener.events]
    assert kinds.index("message.created") == len(kinds) - 2  # the message first


async def test_typing_ends_when_the_connection_is_lost(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener, socket = await alice.listen(room), await bob.connect()
    await socket.call("typing", room_id=room["id"], on=True)
    await typing_set(listener, [bob.id])

    async with asyncio.timeout(5):
        await socket.cut()
        await typing_set(listener, [])


async def test_typing_ends_when_the_socket_closes_or_the_session_ends(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener = await alice.listen(room)
    phone = await bob.another_device()
    for account in (bob, phone):
        socket = await account.connect()
        await socket.call("typing", room_id=room["id"], on=True)
        await typing_set(listener, [bob.id])

        if account is bob:
            await socket.close()
        else:
            await account.post("/v1/auth/logout")

        await typing_set(listener, [])


async def test_typing_ends_when_the_membership_ends(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener, socket = await alice.listen(room), await bob.connect()
    await socket.call("typing", room_id=room["id"], on=True)
    await typing_set(listener, [bob.id])

    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")

    await typing_set(listener, [])


async def test_an_outsider_receives_no_typing(alice: Account, bob: Account, charlie: Account) -> None:
    room, other = await alice.make_room(bob), await alice.make_room(charlie)
    listener, elsewhere = await bob.listen(room), await charlie.listen(other)
    socket = await alice.connect()

    await socket.call("typing", room_id=room["id"], on=True)

    await listener.next_event("typing")
    await elsewhere.settled()
    assert [event["type"] for event in elsewhere.events] == ["room.synced"]


async def test_a_removed_member_receives_no_typing(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener, removed = await alice.listen(room), await bob.listen(room)
    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")
    await removed.next_event("member.removed")

    await listener.call("typing", room_id=room["id"], on=True)

    await listener.next_event("typing")
    await removed.settled()
    assert removed.events[-1]["type"] == "member.removed"


@ONCE
@pytest.mark.parametrize("on", [None, "true"])
async def test_typing_on_must_be_a_boolean(alice: Account, on: object) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("typing", room_id=room["id"], on=on)

    assert reply.refusal == (400, "request.invalid")
    assert set(reply.fields) == {"on"}


async def test_typing_in_an_archived_room_is_rejected(alice: Account) -> None:
    room = await alice.make_room()
    await alice.delete(f"/v1/rooms/{room['id']}")
    socket = await alice.connect()

    reply = await socket.call("typing", room_id=room["id"], on=True)

    assert reply.refusal == (409, "room.archived")


async def test_an_outsider_cannot_type(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "typing", on=True) == NOT_ACCESSIBLE
