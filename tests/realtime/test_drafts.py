"""Drafts reach the other devices of their user, and nobody else."""

from __future__ import annotations

from tests.realtime.deployment import HAS_REDIS
from tests.servers import ParleyServer
from tests.sockets import Account


async def test_a_change_reaches_my_other_devices(alice: Account, bob: Account, there: ParleyServer) -> None:
    room = await alice.make_room(bob)
    device = await alice.another_device()
    socket = await device.connect(there if HAS_REDIS else None)
    others = await bob.connect()
    for each in (socket, others):
        assert (await each.call("subscribe", room_id=None)).status == 200

    draft = (await alice.put(f"/v1/rooms/{room['id']}/draft", {"text": "so"})).json()

    event = await socket.next_event("draft.updated")
    assert (event["room_id"], event["seq"], event["actor_id"]) == (None, None, alice.id)
    assert event["data"] == draft
    await alice.delete(f"/v1/rooms/{room['id']}/draft")
    gone = (await socket.next_event("draft.updated"))["data"]
    assert gone == draft | {"text": None, "updated_at": gone["updated_at"]}
    await others.settled()
    assert [one["type"] for one in others.events if one["type"] == "draft.updated"] == []
