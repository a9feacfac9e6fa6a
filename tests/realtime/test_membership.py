"""Membership changes while sockets are subscribed: each receives exactly the events of the history rule (G4, G5)."""

from __future__ import annotations

import pytest

from tests.servers import ParleyServer
from tests.sockets import Account, Socket


async def remove(owner: Account, room: dict[str, object], member: Account) -> None:
    response = await owner.delete(f"/v1/rooms/{room['id']}/members/{member.id}")
    assert response.status_code == 204, response.text


async def add(owner: Account, room: dict[str, object], member: Account) -> None:
    response = await owner.put(f"/v1/rooms/{room['id']}/members/{member.id}", {})
    assert response.status_code == 201, response.text


async def both(member: Account, room: dict[str, object], there: ParleyServer) -> list[Socket]:
    """A socket that listens on each process."""
    return [await member.listen(room), await member.listen(room, server=there)]


@pytest.mark.parametrize("history", ["since_joined", "shared"])
async def test_a_removed_member_receives_nothing_more(
    alice: Account, bob: Account, there: ParleyServer, history: str
) -> None:
    room = await alice.make_room(bob, history=history)
    sockets = await both(bob, room, there)
    witnesses = await both(alice, room, there)
    message = await alice.post_message(room, "before")

    await remove(alice, room, bob)
    await alice.post_message(room, "a secret")
    await alice.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", {"text": "another secret"})
    await alice.post(f"/v1/rooms/{room['id']}/read", {"seq": 4})

    for socket, witness in zip(sockets, witnesses, strict=True):
        await witness.next_event("message.edited")
        await socket.settled()
        assert socket.seqs(room["id"]) == [2, 3]
        assert socket.events[-1]["type"] == "member.removed"
        assert "secret" not in str(socket.frames)


async def test_a_member_who_returns_receives_only_the_times_of_membership(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    sockets = await both(bob, room, there)

    await remove(alice, room, bob)
    await alice.post_message(room, "a secret")
    await add(alice, room, bob)
    await alice.post_message(room, "welcome back")

    for socket in sockets:
        await socket.until_message("welcome back")
        assert socket.seqs(room["id"]) == [2, 4, 5]
        assert [event["type"] for event in socket.events][1:] == ["member.removed", "member.joined", "message.created"]


async def test_a_member_who_returns_to_a_shared_room_receives_the_missed_events(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    room = await alice.make_room(bob, history="shared")
    sockets = await both(bob, room, there)

    await remove(alice, room, bob)
    await alice.post_message(room, "meanwhile")
    await add(alice, room, bob)
    await alice.post_message(room, "welcome back")

    for socket in sockets:
        await socket.until_message("welcome back")
        assert socket.seqs(room["id"]) == [2, 3, 4, 5]


@pytest.mark.parametrize("history", ["since_joined", "shared"])
async def test_repeated_removals_and_adds_lose_and_leak_nothing(
    alice: Account, bob: Account, there: ParleyServer, history: str
) -> None:
    room = await alice.make_room(bob, history=history)
    sockets = await both(bob, room, there)

    for number in range(5):
        await remove(alice, room, bob)
        await alice.post_message(room, f"hidden {number}")
        await add(alice, room, bob)
        await alice.post_message(room, f"seen {number}")

    visible = [seq for seq in range(2, 22) if history == "shared" or seq % 4 != 3]
    for socket in sockets:
        await socket.until_message("seen 4")
        assert socket.seqs(room["id"]) == visible


async def test_a_replay_contains_only_the_times_of_membership(alice: Account, bob: Account) -> None:
    room = await alice.make_room()
    await alice.post_message(room, "before")
    await add(alice, room, bob)
    await alice.post_message(room, "during")
    await remove(alice, room, bob)
    await alice.post_message(room, "between")
    await add(alice, room, bob)
    await alice.post_message(room, "after")
    socket = await bob.connect()

    reply = await socket.call("subscribe", room_id=room["id"], after=0)

    await socket.next_event("room.synced")
    page = (await bob.get(f"/v1/rooms/{room['id']}/events")).json()["results"]
    assert reply.data["replay"] == "complete"
    assert socket.seqs(room["id"]) == [3, 4, 5, 7, 8] == [event["seq"] for event in page]
    assert socket.texts() == ["during", "after"]


async def test_a_new_member_receives_an_edit_but_cannot_read_the_older_message(alice: Account, bob: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "before")
    await add(alice, room, bob)
    socket = await bob.listen(room)

    await alice.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", {"text": "edited"})

    assert (await socket.next_event("message.edited"))["data"]["text"] == "edited"
    assert (await bob.get(f"/v1/rooms/{room['id']}/messages/{message['id']}")).status_code == 404


async def test_a_member_who_leaves_receives_the_leave_as_the_last_event(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket, witness = await bob.listen(room), await alice.listen(room)

    await bob.post(f"/v1/rooms/{room['id']}/leave")
    await alice.post_message(room, "gone")

    await witness.until_message("gone")
    await socket.settled()
    assert socket.events[-1]["type"] == "member.left"


async def test_a_device_that_was_offline_receives_its_removal(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await remove(alice, room, bob)
    socket = await bob.connect()

    refused = await socket.call("subscribe", room_id=room["id"], after=1)
    await socket.call("subscribe", room_id=None, after=0)

    event = await socket.next_event("room.removed")
    assert refused.refusal == (404, "not_found")
    assert (event["data"]["id"], event["data"]["reason"], event["data"]["seq"]) == (room["id"], "removed", 2)


async def test_the_inbox_reports_added_and_removed_rooms(alice: Account, bob: Account, there: ParleyServer) -> None:
    sockets = [await bob.listen(None), await bob.listen(None, server=there)]

    room = await alice.make_room(bob)
    await remove(alice, room, bob)
    await add(alice, room, bob)
    await bob.post(f"/v1/rooms/{room['id']}/leave")

    for socket in sockets:
        await socket.until_seq(None, 4)
        assert [event["type"] for event in socket.events][1:] == [
            "room.added", "room.removed", "room.added", "room.removed",
        ]  # fmt: skip
        assert socket.seqs(None) == [1, 2, 3, 4]


async def test_a_public_room_is_delivered_after_joining(alice: Account, charlie: Account) -> None:
    room = await alice.make_room(kind="public")
    await alice.post_message(room, "hello")
    socket = await charlie.connect()

    before = await socket.call("subscribe", room_id=room["id"])
    await charlie.post(f"/v1/rooms/{room['id']}/join")
    await socket.call("subscribe", room_id=room["id"], after=0)

    await socket.next_event("room.synced")
    assert before.refusal == (403, "room.not_member")
    assert [event["type"] for event in socket.events][:-1] == ["room.created", "message.created", "member.joined"]


async def test_a_direct_room_is_delivered_to_both_members_only(alice: Account, bob: Account, charlie: Account) -> None:
    room = (await alice.put(f"/v1/rooms/direct/{bob.id}", {})).json()
    sockets = [await alice.listen(room), await bob.listen(room)]
    stranger = await charlie.connect()

    refused = await stranger.call("subscribe", room_id=room["id"], after=0)
    await bob.post_message(room, "between us")

    for socket in sockets:
        await socket.until_message("between us")
    assert refused.refusal == (404, "not_found")
