"""send_message: retries make one message."""

from typing import Any
from uuid import uuid4

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, answer, problems_for_outsider, reply_content
from tests.realtime.deployment import ONCE
from tests.sockets import Account


def message(**more: Any) -> dict[str, Any]:
    return {"client_id": uuid4().hex, "text": "hello", **more}


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    speaker, listener = await alice.connect(), await bob.listen(room)

    reply = await speaker.call("send_message", room_id=room["id"], **message(text="Good morning!"))

    event = await listener.next_event("message.created")
    assert reply.status == 201
    assert event["data"] == reply.data
    assert (event["seq"], event["actor_id"]) == (reply.data["seq"], alice.id)
    assert reply.data["sender"]["username"] == alice.username


async def test_the_sender_receives_the_event_too(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)

    reply = await socket.call("send_message", room_id=room["id"], **message())

    assert (await socket.next_event("message.created"))["data"] == reply.data


async def test_a_retry_returns_the_same_message(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)
    body = message()

    first = await socket.call("send_message", room_id=room["id"], **body)
    again = await socket.call("send_message", room_id=room["id"], **body)

    await socket.settled()
    assert (first.status, again.status) == (201, 200)
    assert again.data == first.data
    assert socket.texts() == ["hello"]


async def test_a_retry_by_rest_returns_the_same_message(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()
    body = message(metadata={"mood": "good"})

    first = await socket.call("send_message", room_id=room["id"], **body)
    again = await alice.post(f"/v1/rooms/{room['id']}/messages", body)

    assert answer(again) == (200, first.data)


async def test_a_client_id_cannot_be_reused_for_another_message(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()
    body = message()
    await socket.call("send_message", room_id=room["id"], **body)

    reply = await socket.call("send_message", room_id=room["id"], **{**body, "text": "something else"})

    assert reply.refusal == (409, "message.client_id_reused")


@ONCE
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"client_id": 1, "text": ""},
        {"client_id": "c1", "text": "x" * 8001},
        {"client_id": "c1", "text": "hi", "scope": {}},
        {"client_id": "c1", "text": "hi", "metadata": {"x": "y" * 4096}},
        {"client_id": "c1", "text": "hi", "reply_to": "01890000-0000-7000-8000-000000000000"},
    ],
)
async def test_a_bad_message_is_rejected_alike_by_rest_and_socket(alice: Account, body: dict[str, Any]) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("send_message", room_id=room["id"], **body)
    twin = await alice.post(f"/v1/rooms/{room['id']}/messages", body)

    assert reply.refusal == (400, "request.invalid")
    assert reply_content(reply) == answer(twin)


@ONCE
@pytest.mark.parametrize("room_id", [None, "lobby", {"id": 1}])
async def test_a_malformed_room_id_is_rejected(alice: Account, room_id: object) -> None:
    socket = await alice.connect()

    reply = await socket.call("send_message", room_id=room_id, **message())

    assert reply.refusal == (400, "request.invalid")
    assert set(reply.fields) == {"room_id"}


async def test_an_outsider_cannot_send(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "send_message", **message(text="let me in")) == NOT_ACCESSIBLE


async def test_a_removed_member_cannot_send_but_a_retry_returns_the_message(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.connect()
    body = message()
    sent = await socket.call("send_message", room_id=room["id"], **body)
    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")

    again = await socket.call("send_message", room_id=room["id"], **body)
    another = await socket.call("send_message", room_id=room["id"], **message())

    assert (again.status, again.data) == (200, sent.data)
    assert another.refusal == (404, "not_found")


async def test_an_archived_room_accepts_no_message(alice: Account) -> None:
    room = await alice.make_room()
    await alice.delete(f"/v1/rooms/{room['id']}")
    socket = await alice.connect()

    reply = await socket.call("send_message", room_id=room["id"], **message())

    assert reply.refusal == (409, "room.archived")


async def test_the_messages_of_one_socket_keep_their_order(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    speaker, listener = await alice.connect(), await bob.listen(room)

    for number in range(30):
        await speaker.send_json({"action": "send_message", "room_id": room["id"], **message(text=f"{number}")})

    await listener.until_message("29")
    assert listener.texts() == [f"{number}" for number in range(30)]
