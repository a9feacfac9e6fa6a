"""Blocking on live sockets: the messages of a blocked user are stubs, in every way in which they reach the blocker."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import STUB
from tests.realtime.deployment import ONCE
from tests.servers import ParleyServer
from tests.sockets import Account
from tests.streams import Stream, cursors

CANARY = "words of a blocked user"
KEPT = ("id", "room_id", "seq", "version", "sender", "client_id", "created_at", "edited_at", "deleted_at")


async def block(account: Account, other: Account) -> dict[str, Any]:
    response = await account.put(f"/v1/me/blocks/{other.id}")
    assert response.status_code == 200, response.text
    return dict(response.json())


def assert_stub(seen: dict[str, Any], message: dict[str, Any]) -> None:
    assert {name: seen[name] for name in STUB} == STUB
    assert {name: seen[name] for name in KEPT} == {name: message[name] for name in KEPT}
    assert set(seen) == set(message)


async def test_a_block_is_in_force_from_the_reply_on(alice: Account, bob: Account, charlie: Account) -> None:
    room = await alice.make_room(bob, charlie)
    blocker, other = await alice.listen(room, None), await charlie.listen(room)

    blocked = await block(alice, bob)
    message = await bob.post_message(room, CANARY)

    event = await blocker.next_event("message.created")
    assert blocked["user"] == message["sender"]
    assert (await other.until_message(CANARY))["data"] == message
    assert_stub(event["data"], message)


@ONCE
async def test_the_inbox_has_the_changes(alice: Account, bob: Account) -> None:
    socket = await alice.listen(None)

    await socket.call("block_user", user_id=bob.id)
    await socket.call("block_user", user_id=bob.id)
    await socket.call("unblock_user", user_id=bob.id)
    await socket.call("unblock_user", user_id=bob.id)

    for event_type in ("block.added", "block.removed"):
        event = await socket.next_event(event_type)
        assert (event["data"], event["room_id"]) == ({"user_id": bob.id}, None)
    await socket.settled()
    assert [event["type"] for event in socket.events if event["seq"]] == ["block.added", "block.removed"]


async def test_another_process_follows_within_two_seconds(alice: Account, bob: Account, there: ParleyServer) -> None:
    """The other process learns it by Redis, or without Redis by its verification of sessions."""
    room = await alice.make_room(bob)
    far = await alice.listen(room, server=there)

    await block(alice, bob)
    async with asyncio.timeout(30):
        while True:
            message = await bob.post_message(room, CANARY)
            await far.until_seq(room["id"], message["seq"])
            if far.events[-1]["data"]["text"] is None:
                break
            await asyncio.sleep(0.2)

    assert_stub(far.events[-1]["data"], message)


@ONCE
async def test_a_replay_and_every_read_have_stubs(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    message = await bob.post_message(room, CANARY)
    await alice.post_message(room, "mine")
    await bob.post_message(room, CANARY)
    await block(alice, bob)
    path = f"/v1/rooms/{room['id']}"
    socket = await alice.connect()

    await socket.call("subscribe", room_id=room["id"], after=0)
    await socket.until_seq(room["id"], 4)
    answers: list[Any] = [(await socket.call("sync", rooms={room["id"]: 1})).data, (await socket.call("sync")).data]
    answers += [(await socket.call(f"get_{noun}", room_id=room["id"])).data for noun in ("messages", "events")]
    urls = ("/messages", "/events", f"/messages/{message['id']}", "")
    answers += [(await alice.get(path + url)).json() for url in urls]
    answers += [
        (await alice.get("/v1/rooms")).json(),
        (await alice.post("/v1/sync", {"rooms": {room["id"]: 1}})).json(),
    ]

    assert CANARY not in str([socket.frames, answers])
    assert_stub(answers[6], message)
    assert (answers[7]["last_message"]["blocked"], answers[7]["me"]["unread"]) == (True, 0)
    stubs = [each["blocked"] for each in (await alice.get(f"{path}/messages")).json()["results"]]
    assert stubs == [True, False, True]


@ONCE
async def test_after_the_end_of_a_block_messages_are_whole_again(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await block(alice, bob)
    socket = await alice.listen(room)
    message = await bob.post_message(room, "hidden")
    await socket.until_seq(room["id"], message["seq"])

    assert (await alice.delete(f"/v1/me/blocks/{bob.id}")).status_code == 204
    await bob.post_message(room, "seen")

    assert (await socket.until_message("seen"))["data"]["blocked"] is False
    assert (await alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}")).json() == message
    assert (await alice.get(f"/v1/rooms/{room['id']}")).json()["me"]["unread"] == 2


@ONCE
async def test_streams_and_the_room_socket_have_none_of_it(alice: Account, bob: Account) -> None:
    slug = uuid4().hex
    classic = await alice.connect(path=f"/ws/chat/{slug}/")
    await classic.send_json({"message": "hi"})
    await classic.find(lambda frame: frame.get("message") == "hi")
    [room] = [each for each in (await alice.get("/v1/rooms")).json()["results"] if each["slug"] == slug]
    await bob.post(f"/v1/rooms/{room['id']}/join")
    body = await cursors(alice)
    await block(alice, bob)
    await bob.post_message(room, CANARY)

    stream = await Stream.follow(alice, body)
    await stream.synced()
    last = await bob.post_message(room, CANARY)
    await stream.until_seq(room["id"], last["seq"])
    await alice.post_message(room, "the end")
    await classic.find(lambda frame: frame.get("message") == "the end")

    assert CANARY not in str([classic.frames, stream.frames])
    assert len(classic.frames) == 2


@ONCE
async def test_typing_of_the_blocked_is_not_shown(alice: Account, bob: Account, charlie: Account) -> None:
    room = await alice.make_room(bob, charlie)
    await block(alice, bob)
    blocker, other = await alice.listen(room), await charlie.listen(room)

    for typist in (bob, charlie):
        await typist.post(f"/v1/rooms/{room['id']}/typing", {"on": True})

    assert (await other.next_event("typing"))["data"] == {"user_ids": [bob.id]}
    assert (await blocker.next_event("typing"))["data"] == {"user_ids": [charlie.id]}


async def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


@ONCE
@pytest.mark.parametrize("blocks_peer", [True, False])
async def test_neither_writes_in_their_direct_room(alice: Account, bob: Account, blocks_peer: bool) -> None:
    room = (await alice.put(f"/v1/rooms/direct/{bob.id}")).json()
    mine = await alice.post_message(room, "hello")
    await (block(alice, bob) if blocks_peer else block(bob, alice))
    path, socket = f"/v1/rooms/{room['id']}", await alice.connect()
    body = {"client_id": uuid4().hex, "text": "again"}

    answers = [
        await alice.post(f"{path}/messages", body),
        await alice.patch(f"{path}/messages/{mine['id']}", {"text": "again"}),
        await alice.post(f"{path}/typing", {"on": True}),
    ]
    batch = await socket.call("send_messages", room_id=room["id"], items=[body])

    assert [await refusal(each) for each in answers] == [(403, "user.blocked")] * 3
    assert (await socket.call("send_message", room_id=room["id"], **body)).refusal == (403, "user.blocked")
    assert batch.refusal == (403, "user.blocked")
    assert (await alice.get(f"{path}/messages")).json()["results"] == [mine]
    assert (await alice.put(f"/v1/rooms/direct/{bob.id}")).status_code == 200


@ONCE
async def test_neither_opens_a_direct_room(alice: Account, bob: Account) -> None:
    await block(alice, bob)

    for one, other in ((alice, bob), (bob, alice)):
        assert await refusal(await one.put(f"/v1/rooms/direct/{other.id}")) == (403, "user.blocked")


@ONCE
async def test_the_blocked_cannot_add_the_blocker(alice: Account, bob: Account, charlie: Account) -> None:
    room = await bob.make_room()
    await block(alice, bob)

    response = await bob.put(f"/v1/rooms/{room['id']}/members/{alice.id}")
    made = await bob.make_room(alice, charlie)

    assert await refusal(response) == (403, "user.blocked")
    assert (await alice.get(f"/v1/rooms/{made['id']}")).status_code == 404
    assert (await charlie.get(f"/v1/rooms/{made['id']}")).json()["member_count"] == 2
    assert (await alice.put(f"/v1/rooms/{(await alice.make_room())['id']}/members/{bob.id}")).status_code == 201


@ONCE
async def test_reactions_pins_threads_and_mentions_show_stubs(alice: Account, bob: Account) -> None:
    room = await bob.make_room(alice)
    path = f"/v1/rooms/{room['id']}"
    assert (await bob.put(f"{path}/members/{alice.id}", {"role": "admin"})).status_code == 200
    root = await bob.post_message(room, CANARY)
    reply = {"client_id": uuid4().hex, "text": CANARY, "thread_root": root["id"], "mentions": {"users": [alice.id]}}
    assert (await bob.post(f"{path}/messages", reply)).status_code == 201
    await alice.put(f"{path}/threads/{root['id']}/follow")
    await block(alice, bob)
    message, socket = f"{path}/messages/{root['id']}", await alice.connect()

    answers = [
        await alice.put(f"{message}/reactions/:tea:"),
        await alice.put(f"{path}/pins/{root['id']}"),
        await alice.get(f"{path}/pins"),
        await alice.get(f"{path}/messages", thread=root["id"]),
        await alice.get("/v1/me/threads"),
        await alice.get("/v1/me/mentions"),
        await alice.get(message),
    ]
    reaction = await socket.call("react", room_id=room["id"], message_id=root["id"], key=":cake:", on=True)
    forward = {"client_id": uuid4().hex, "text": "", "forward": {"room_id": room["id"], "message_id": root["id"]}}

    assert [answer.status_code for answer in answers] == [200] * 7
    assert CANARY not in str([answer.json() for answer in answers]) + str(reaction.frame)
    assert answers[0].json()["blocked"] is True
    assert answers[4].json()["results"][0]["unread"] == 0
    assert answers[5].json()["results"] == []
    assert (await alice.get("/v1/me/unread")).json()["mentions_total"] == 0
    assert await refusal(await alice.get(f"{message}/versions")) == (404, "not_found")
    assert await refusal(await alice.post(f"{path}/messages", forward)) == (404, "not_found")


@ONCE
async def test_neither_reacts_nor_pins_in_their_direct_room(alice: Account, bob: Account) -> None:
    room = (await alice.put(f"/v1/rooms/direct/{bob.id}")).json()
    message = await alice.post_message(room, "hello")
    await block(alice, bob)
    path = f"/v1/rooms/{room['id']}"

    for person in (alice, bob):
        reacted = await person.put(f"{path}/messages/{message['id']}/reactions/:tea:")
        assert await refusal(reacted) == (403, "user.blocked")
        assert await refusal(await person.put(f"{path}/pins/{message['id']}")) == (403, "user.blocked")


@ONCE
async def test_an_addition_of_a_user_who_wants_to_be_asked_is_an_invitation(alice: Account, bob: Account) -> None:
    room = await bob.make_room()
    await alice.patch("/v1/me", {"settings": {"added_by": "nobody"}})

    response = await bob.put(f"/v1/rooms/{room['id']}/members/{alice.id}")
    made = await bob.make_room(alice)

    assert (response.status_code, response.json()["room_id"]) == (202, room["id"])
    assert [(await alice.get(f"/v1/rooms/{each['id']}")).json()["me"]["state"] for each in (room, made)] == [
        "invited"
    ] * 2


@ONCE
async def test_the_blocked_cannot_invite_the_blocker(alice: Account, bob: Account) -> None:
    room = await bob.make_room()
    await block(alice, bob)

    assert await refusal(await bob.put(f"/v1/rooms/{room['id']}/invites/{alice.id}")) == (403, "user.blocked")


@ONCE
@pytest.mark.parametrize("blocks_peer", [True, False])
async def test_neither_sees_the_other_online(
    alice: Account, bob: Account, blocks_peer: bool, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    await bob.post_message(room, "I am here")  # else a room into which he was put would show nothing
    watcher, _ = await alice.connect(), await bob.connect(there)
    await watcher.call("watch_presence", user_ids=[bob.id])
    await watcher.find(lambda frame: "'online'" in str(frame))

    await (block(alice, bob) if blocks_peer else block(bob, alice))

    event = await watcher.next_event("presence.updated")
    while event["data"]["state"] == "online":
        event = await watcher.next_event("presence.updated")
    assert event["data"] == {"user_id": bob.id, "state": "offline", "last_seen_at": None}
    states = (await alice.post("/v1/presence/watch", {"user_ids": [bob.id]})).json()["states"]
    assert states == [{"user_id": bob.id, "state": "offline", "last_seen_at": None}]


@ONCE
async def test_a_user_who_does_not_share_it_is_offline(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    await bob.post_message(room, "I am here")
    await bob.connect()
    await bob.patch("/v1/me", {"settings": {"share_presence": False}})

    states = (await alice.post("/v1/presence/watch", {"user_ids": [bob.id]})).json()["states"]

    assert states == [{"user_id": bob.id, "state": "offline", "last_seen_at": None}]
