"""get_receipts: the twin of GET /v1/rooms/{id}/messages/{message_id}/receipts"""

from tests.realtime.actions.outsider_answers import (
    NOT_ACCESSIBLE,
    NOWHERE,
    answer,
    problems_for_outsider,
    reply_content,
)
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    message = await alice.post_message(room, "hello")
    socket = await bob.connect()
    await socket.call("mark_read", room_id=room["id"], seq=message["seq"])

    reply = await socket.call("get_receipts", room_id=room["id"], message_id=message["id"])

    assert (reply.status, reply.data["read"], reply.data["read_count"]) == (200, [bob.id], 1)
    again = await alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}/receipts")
    assert reply_content(reply) == answer(again)


@ONCE
async def test_outsiders_are_refused(alice: Account, charlie: Account) -> None:
    refusals = await problems_for_outsider(charlie, alice, "get_receipts", message_id=NOWHERE)

    assert refusals == NOT_ACCESSIBLE
