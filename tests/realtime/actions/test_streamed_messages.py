"""append_message, finish_message, and the event text.appended"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.realtime.actions.outsider_answers import NOWHERE, answer, reply_content
from tests.realtime.deployment import HAS_REDIS, ONCE
from tests.servers import ParleyServer
from tests.sockets import Account, Socket


async def begin(writer: Socket, room: dict[str, Any], text: str = "Twinkle") -> dict[str, Any]:
    reply = await writer.call("send_message", room_id=room["id"], client_id=uuid4().hex, text=text, streaming=True)
    assert reply.status == 201, reply.frame
    message: dict[str, Any] = reply.data
    return message


async def test_members_on_both_processes_receive_each_part(alice: Account, bob: Account, there: ParleyServer) -> None:
    room = await alice.make_room(bob)
    # Without Redis no ephemeral event passes between processes; the end of the message does, by the log.
    near, far = await alice.listen(room), await bob.listen(room, server=there)
    writer = await alice.connect()
    message = await begin(writer, room)
    at = {"room_id": room["id"], "message_id": message["id"]}
    for listener in (near, far):
        await listener.next_event("message.created")

    appended = await writer.call("append_message", **at, offset=7, text=", 🦇")
    await writer.call("append_message", **at, offset=7, text=", 🦇")
    finished = await writer.call("finish_message", **at)

    assert (appended.status, appended.data["text"]) == (200, "Twinkle, 🦇")
    assert (finished.status, finished.data) == (200, appended.data | {"streaming": False, "version": 3})
    for listener in (near, far) if HAS_REDIS else (near,):
        part = await listener.next_event("text.appended", "message.edited")
        assert (part["room_id"], part["seq"], part["actor_id"]) == (room["id"], None, alice.id)
        assert part["data"] == {"id": message["id"], "room_id": room["id"], "offset": 7, "text": ", 🦇"}
    for listener in (near, far):
        assert (await listener.next_event("text.appended", "message.edited"))["data"] == finished.data


@ONCE
async def test_a_member_who_does_not_see_the_message_receives_no_part(
    alice: Account, bob: Account, charlie: Account
) -> None:
    room = await alice.make_room(bob, history="since_joined")
    writer = await alice.connect()
    message = await begin(writer, room)
    sees = await bob.listen(room)
    await alice.put(f"/v1/rooms/{room['id']}/members/{charlie.id}", {})
    late = await charlie.listen(room)

    await writer.call("append_message", room_id=room["id"], message_id=message["id"], offset=7, text="!")
    await sees.next_event("text.appended")
    await alice.post_message(room, "And now?")
    await late.until_message("And now?")

    assert not [event for event in late.events if event["type"] == "text.appended"]


@ONCE
async def test_rest_and_socket_answer_alike(alice: Account, bob: Account, charlie: Account) -> None:
    room = await alice.make_room(bob)
    writer = await alice.connect()
    message = await begin(writer, room)
    plain = await alice.post_message(room, "plain")
    for account, room_id, message_id, action, body in (
        (alice, room["id"], message["id"], "append", {"offset": 3, "text": "ice"}),
        (alice, room["id"], message["id"], "append", {"offset": 0, "text": "Twin"}),
        (alice, room["id"], message["id"], "append", {"offset": 0}),
        (alice, room["id"], plain["id"], "append", {"offset": 0, "text": "x"}),
        (alice, room["id"], plain["id"], "finish", {}),
        (bob, room["id"], message["id"], "append", {"offset": 7, "text": "!"}),
        (bob, room["id"], message["id"], "finish", {"text": "Mine"}),
        (charlie, room["id"], message["id"], "append", {"offset": 7, "text": "!"}),
        (charlie, NOWHERE, message["id"], "finish", {}),
        (alice, room["id"], message["id"], "finish", {"text": "Twinkle!"}),
    ):
        socket = await account.connect()

        by_socket = await socket.call(f"{action}_message", room_id=room_id, message_id=message_id, **body)
        by_rest = await account.post(f"/v1/rooms/{room_id}/messages/{message_id}/{action}", body)

        if by_socket.status == 200:
            assert (by_rest.status_code, by_rest.json()) == (200, by_socket.data)
        else:
            assert answer(by_rest) == reply_content(by_socket)
