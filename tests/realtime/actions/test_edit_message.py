"""edit_message: authors change their messages."""

from typing import Any

import pytest

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
    message = await alice.post_message(room, "helo")
    editor, listener = await alice.connect(), await bob.listen(room)

    reply = await editor.call("edit_message", room_id=room["id"], message_id=message["id"], text="hello")

    event = await listener.next_event("message.edited")
    assert reply.status == 200
    assert event["data"] == reply.data
    assert (reply.data["text"], reply.data["seq"]) == ("hello", message["seq"])
    assert reply.data["version"] == event["seq"] > message["version"]


async def test_rest_returns_the_edited_message(alice: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "helo")
    socket = await alice.connect()
    body = {"text": "hello", "metadata": {"a": 1}, "if_version": message["version"]}

    reply = await socket.call("edit_message", room_id=room["id"], message_id=message["id"], **body)
    twin = await alice.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", body)

    assert reply_content(reply) == answer(twin)


async def test_a_concurrent_edit_is_a_version_conflict(alice: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "one")
    socket = await alice.connect()
    path = f"/v1/rooms/{room['id']}/messages/{message['id']}"
    await alice.patch(path, {"text": "two"})
    body = {"text": "three", "if_version": message["version"]}

    reply = await socket.call("edit_message", room_id=room["id"], message_id=message["id"], **body)

    assert reply.refusal == (409, "message.version_conflict")
    assert reply_content(reply) == answer(await alice.patch(path, body))


async def test_only_the_author_can_edit(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    message = await bob.post_message(room, "mine")
    socket = await alice.connect()

    reply = await socket.call("edit_message", room_id=room["id"], message_id=message["id"], text="yours")

    assert reply.refusal == (403, "message.not_author")


async def test_a_deleted_message_cannot_be_edited(alice: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "one")
    await alice.delete(f"/v1/rooms/{room['id']}/messages/{message['id']}")
    socket = await alice.connect()

    reply = await socket.call("edit_message", room_id=room["id"], message_id=message["id"], text="two")

    assert reply.refusal == (409, "message.deleted")


async def test_an_edit_in_an_archived_room_is_rejected(alice: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "one")
    await alice.delete(f"/v1/rooms/{room['id']}")
    socket = await alice.connect()

    reply = await socket.call("edit_message", room_id=room["id"], message_id=message["id"], text="two")

    assert reply.refusal == (409, "room.archived")


@ONCE
@pytest.mark.parametrize(
    "body",
    [{"text": ""}, {"if_version": 0, "metadata": "x"}, {"seq": 9}, {"text": "a\x00"}],
)
async def test_a_bad_edit_is_rejected_alike_by_rest_and_socket(alice: Account, body: dict[str, Any]) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "one")
    socket = await alice.connect()

    reply = await socket.call("edit_message", room_id=room["id"], message_id=message["id"], **body)
    twin = await alice.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", body)

    assert reply.status == 400
    assert reply_content(reply) == answer(twin)


async def test_a_message_of_another_room_is_not_found(alice: Account) -> None:
    room, other = await alice.make_room(), await alice.make_room()
    message = await alice.post_message(other, "elsewhere")
    socket = await alice.connect()

    reply = await socket.call("edit_message", room_id=room["id"], message_id=message["id"], text="here")

    assert reply.refusal == (404, "not_found")


async def test_an_outsider_cannot_edit(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "edit_message", message_id=NOWHERE, text="hi") == NOT_ACCESSIBLE
