"""Actions in a direct room whose other member has deleted the account."""

from typing import Any
from uuid import uuid4

import pytest

from tests.sockets import PASSWORD, Account

PEER_DELETED = (409, "room.peer_deleted")


async def make_abandoned(alice: Account, bob: Account) -> tuple[str, str]:
    """A direct room of Alice's with a message of hers, from which Bob is gone: the ids of both."""
    room = (await alice.put(f"/v1/rooms/direct/{bob.id}")).json()
    message = await alice.post(f"/v1/rooms/{room['id']}/messages", {"client_id": uuid4().hex, "text": "hello"})
    response = await bob.request("DELETE", "/v1/me", {"password": PASSWORD})
    assert response.status_code == 204
    return room["id"], message.json()["id"]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("send_message", {"client_id": "c1", "text": "are you there?"}),
        ("send_messages", {"items": [{"client_id": "c1", "text": "are you there?"}]}),
        ("edit_message", {"text": "are you there?"}),
        ("typing", {"on": True}),
    ],
)
async def test_every_action_that_would_reach_a_deleted_peer_is_rejected(
    alice: Account, bob: Account, action: str, body: dict[str, Any]
) -> None:
    room_id, message_id = await make_abandoned(alice, bob)
    socket = await alice.connect()
    named = {"message_id": message_id} if action == "edit_message" else {}

    reply = await socket.call(action, room_id=room_id, **named, **body)

    assert reply.refusal == PEER_DELETED
    page = (await alice.get(f"/v1/rooms/{room_id}/messages")).json()["results"]  # the erasure job may move the head
    assert [each["text"] for each in page] == ["hello"]


async def test_the_inbox_reports_a_deleted_peer_live(alice: Account, bob: Account) -> None:
    socket = await bob.listen(None)

    await alice.put(f"/v1/rooms/direct/{bob.id}")

    event = await socket.next_event("room.added")
    assert event["data"]["peer"]["username"] == alice.username
