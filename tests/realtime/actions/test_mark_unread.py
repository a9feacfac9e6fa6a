"""mark_unread: the marker goes back, so that I find it again."""

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, answer, problems_for_outsider, reply_content
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    for text in ("one", "two"):
        await alice.post_message(room, text)
    socket, laptop = await bob.connect(), await bob.listen(None)
    await socket.call("mark_read", room_id=room["id"], seq=3)

    reply = await socket.call("mark_unread", room_id=room["id"], seq=3)

    markers = [(await laptop.next_event("read.updated"))["data"]["read_seq"] for _ in range(2)]
    assert (reply.status, reply.data) == (200, {"read_seq": 2, "unread": 1, "unread_capped": False})
    assert markers == [3, 2]


async def test_mark_unread_never_moves_the_marker_forward(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("mark_unread", room_id=room["id"], seq=1)
    again = await alice.post(f"/v1/rooms/{room['id']}/unread", {"seq": 1})

    assert reply.data["read_seq"] == 0
    assert reply_content(reply) == answer(again)


@ONCE
@pytest.mark.parametrize("seq", [0, "2"])
async def test_a_bad_seq_is_rejected_by_mark_unread(alice: Account, seq: object) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("mark_unread", room_id=room["id"], seq=seq)

    assert reply.refusal == (400, "request.invalid")


async def test_a_seq_ahead_of_the_head_cannot_be_unread(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("mark_unread", room_id=room["id"], seq=2)

    assert reply.refusal == (400, "read.ahead")


async def test_an_outsider_cannot_mark_as_unread(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "mark_unread", seq=1) == NOT_ACCESSIBLE
