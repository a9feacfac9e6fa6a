"""send_messages: several at once, in order; each has its own fate."""

from typing import Any
from uuid import uuid4

import pytest

from tests.realtime.actions.outsider_answers import problems_for_outsider
from tests.realtime.deployment import ONCE
from tests.sockets import Account


def items(*texts: str) -> list[dict[str, Any]]:
    return [{"client_id": uuid4().hex, "text": text} for text in texts]


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    speaker, listener = await alice.connect(), await bob.listen(room)

    reply = await speaker.call("send_messages", room_id=room["id"], items=items("one", "two", "three"))

    await listener.until_message("three")
    assert reply.status == 200
    assert [(result["status"], result["errors"]) for result in reply.data["results"]] == [(201, [])] * 3
    assert [result["seq"] for result in reply.data["results"]] == listener.seqs(room["id"])
    assert listener.texts() == ["one", "two", "three"]


async def test_a_bad_item_of_a_batch_fails_alone(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)
    one, two, three = items("one", "", "three")

    reply = await socket.call("send_messages", room_id=room["id"], items=[one, two, three, {**one, "text": "other"}])

    good, empty, last, reused = reply.data["results"]
    await socket.until_message("three")
    assert socket.texts() == ["one", "three"]
    assert [result["status"] for result in (good, empty, last, reused)] == [201, 400, 201, 409]
    assert [result["errors"][0]["code"] for result in (empty, reused)] == [
        "request.invalid",
        "message.client_id_reused",
    ]
    assert (empty["id"], empty["seq"]) == (None, None)


async def test_a_batch_can_be_retried(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)
    batch = items("one", "two")

    first = await socket.call("send_messages", room_id=room["id"], items=batch)
    again = await socket.call("send_messages", room_id=room["id"], items=[*batch, *items("three")])

    await socket.until_message("three")
    assert socket.texts() == ["one", "two", "three"]
    assert [result["status"] for result in again.data["results"]] == [200, 200, 201]
    assert [result["id"] for result in again.data["results"][:2]] == [result["id"] for result in first.data["results"]]


@ONCE
@pytest.mark.parametrize("batch", [None, [], [5], items(*"x" * 51)])
async def test_a_malformed_batch_is_rejected(alice: Account, batch: object) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("send_messages", room_id=room["id"], items=batch)

    assert reply.refusal == (400, "request.invalid")


async def test_a_batch_of_fifty_is_accepted(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("send_messages", room_id=room["id"], items=items(*"x" * 50))

    assert [result["seq"] for result in reply.data["results"]] == list(range(2, 52))


async def test_an_outsider_cannot_send_a_batch(alice: Account, charlie: Account) -> None:
    refusals = await problems_for_outsider(charlie, alice, "send_messages", items=items("let me in"))

    assert refusals == {
        "private": (404, "not_found"),
        "public": (403, "room.not_member"),
        "nowhere": (404, "not_found"),
    }


async def test_an_archived_room_accepts_no_batch(alice: Account) -> None:
    room = await alice.make_room()
    await alice.delete(f"/v1/rooms/{room['id']}")
    socket = await alice.connect()

    reply = await socket.call("send_messages", room_id=room["id"], items=items("one"))

    assert reply.refusal == (409, "room.archived")
