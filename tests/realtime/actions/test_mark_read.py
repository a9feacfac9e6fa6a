"""mark_read: the marker moves forward, on all my devices; in a small room the others see it."""

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, answer, problems_for_outsider, reply_content
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    for text in ("one", "two", "three"):
        await alice.post_message(room, text)
    socket = await bob.connect()

    reply = await socket.call("mark_read", room_id=room["id"], seq=3)

    assert (reply.status, reply.data) == (200, {"read_seq": 3, "unread": 1, "unread_capped": False})


async def test_the_read_marker_never_moves_back(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await alice.post_message(room, "one")
    socket = await bob.connect()
    await socket.call("mark_read", room_id=room["id"], seq=2)

    reply = await socket.call("mark_read", room_id=room["id"], seq=1)

    assert reply.data == {"read_seq": 2, "unread": 0, "unread_capped": False}


async def test_other_devices_receive_the_marker_in_the_inbox(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await alice.post_message(room, "one")
    phone, laptop = await bob.connect(), await bob.listen(None)

    await phone.call("mark_read", room_id=room["id"], seq=2)

    event = await laptop.next_event("read.updated")
    assert event["room_id"] is None
    assert event["seq"] is not None
    moved = {"room_id": room["id"], "user_id": bob.id, "read_seq": 2, "head": 2}
    assert event["data"] == {**moved, "unread": 0, "unread_capped": False}


async def test_members_of_a_small_room_receive_the_markers_of_others(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await alice.post_message(room, "one")
    listener, socket = await alice.listen(room), await bob.connect()

    await socket.call("mark_read", room_id=room["id"], seq=2)

    event = await listener.next_event("read.updated")
    assert (event["room_id"], event["seq"], event["actor_id"]) == (room["id"], None, bob.id)
    assert event["data"] == {"room_id": room["id"], "user_id": bob.id, "read_seq": 2, "head": 2}


async def test_many_markers_in_a_second_are_reduced_to_the_newest(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await alice.post_messages(room, 20)
    listener, socket = await alice.listen(room), await bob.connect()

    for seq in range(2, 22):
        await socket.call("mark_read", room_id=room["id"], seq=seq)

    seqs = [(await listener.next_event("read.updated"))["data"]["read_seq"]]
    while seqs[-1] < 21:
        seqs.append((await listener.next_event("read.updated"))["data"]["read_seq"])
    assert seqs == sorted(set(seqs))
    assert len(seqs) <= 4


@ONCE
@pytest.mark.parametrize("seq", ["2", 2**53])
async def test_a_bad_seq_is_rejected_by_mark_read(alice: Account, seq: object) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("mark_read", room_id=room["id"], seq=seq)

    assert reply.status == 400


async def test_a_marker_ahead_of_the_head_is_rejected(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("mark_read", room_id=room["id"], seq=2)

    assert reply.refusal == (400, "read.ahead")
    assert reply_content(reply) == answer(await alice.post(f"/v1/rooms/{room['id']}/read", {"seq": 2}))


async def test_an_archived_room_can_be_marked_as_read(alice: Account) -> None:
    room = await alice.make_room()
    await alice.post_message(room, "one")
    await alice.delete(f"/v1/rooms/{room['id']}")
    socket = await alice.connect()

    reply = await socket.call("mark_read", room_id=room["id"], seq=3)

    assert reply.status == 200


async def test_an_outsider_cannot_mark_as_read(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "mark_read", seq=1) == NOT_ACCESSIBLE
