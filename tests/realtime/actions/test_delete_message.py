"""delete_message: the text is gone everywhere, a tombstone remains."""

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, NOWHERE, problems_for_outsider
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    message = await alice.post_message(room, "a secret")
    socket, listener = await alice.connect(), await bob.listen(room)

    reply = await socket.call("delete_message", room_id=room["id"], message_id=message["id"])

    event = await listener.next_event("message.deleted")
    assert (reply.status, reply.data) == (204, None)
    assert (event["data"]["id"], event["data"]["text"]) == (message["id"], None)
    assert event["data"]["deleted_at"] is not None


async def test_a_replay_does_not_contain_the_deleted_text(alice: Account) -> None:
    room = await alice.make_room()
    listener = await alice.listen(room)
    message = await alice.post_message(room, "a secret")
    await listener.until_message("a secret")
    socket = await alice.connect()
    await socket.call("delete_message", room_id=room["id"], message_id=message["id"])

    await socket.call("subscribe", room_id=room["id"], after=0)

    await socket.next_event("room.synced")
    assert [event["type"] for event in socket.events][:3] == ["room.created", "message.created", "message.deleted"]
    assert "a secret" not in str(socket.frames)


async def test_a_second_delete_changes_nothing(alice: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "one")
    socket = await alice.listen(room)

    first = await socket.call("delete_message", room_id=room["id"], message_id=message["id"])
    again = await socket.call("delete_message", room_id=room["id"], message_id=message["id"])

    await socket.settled()
    assert (first.status, again.status) == (204, 204)
    assert socket.seqs(room["id"]) == [3]


async def test_an_owner_can_delete_messages_of_others(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    message = await bob.post_message(room, "one")
    socket = await alice.connect()

    reply = await socket.call("delete_message", room_id=room["id"], message_id=message["id"])

    assert reply.status == 204


async def test_a_member_can_delete_only_own_messages(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    message = await alice.post_message(room, "one")
    socket = await bob.connect()

    reply = await socket.call("delete_message", room_id=room["id"], message_id=message["id"])

    assert reply.refusal == (403, "message.not_author")


async def test_a_delete_in_an_archived_room_is_rejected(alice: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "one")
    await alice.delete(f"/v1/rooms/{room['id']}")
    socket = await alice.connect()

    reply = await socket.call("delete_message", room_id=room["id"], message_id=message["id"])

    assert reply.refusal == (409, "room.archived")


async def test_an_outsider_cannot_delete(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "delete_message", message_id=NOWHERE) == NOT_ACCESSIBLE
