"""/ws/chat/{slug}/: the classic client, which knows nothing but {"message": ...}."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.realtime.deployment import ONCE
from tests.servers import ParleyServer
from tests.sockets import Account, Socket


@pytest.fixture
def slug() -> str:
    return f"room-{uuid4().hex[:12]}"


async def receive_text(socket: Socket, text: str) -> dict[str, Any]:
    return await socket.find(lambda frame: frame.get("message") == text)


async def refusal(socket: Socket) -> tuple[int, str]:
    frame = await socket.find(lambda frame: "error" in frame)
    return frame["error"]["status"], frame["error"]["code"]


async def settled(socket: Socket) -> None:
    """Send a message and wait for it: all earlier frames have then arrived."""
    text = uuid4().hex
    await socket.send_json({"message": text})
    await receive_text(socket, text)


async def test_it_works(alice: Account, bob: Account, there: ParleyServer, slug: str) -> None:
    one = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(one)
    two = await bob.connect(there, path=f"/ws/chat/{slug}/")
    await settled(two)

    await one.send_json({"message": "hi"})

    for socket in (one, two):
        frame = await receive_text(socket, "hi")
        assert frame == {"message": "hi", "sender": alice.username, "seq": frame["seq"]}
        assert all(set(frame) == {"message", "sender", "seq"} for frame in socket.frames)


async def test_connecting_makes_and_joins_the_room(alice: Account, bob: Account, slug: str) -> None:
    for guest in (alice, bob):
        await settled(await guest.connect(path=f"/ws/chat/{slug}/"))

    rooms = [(await guest.get("/v1/rooms")).json()["results"] for guest in (alice, bob)]

    assert [[(room["kind"], room["slug"], room["name"]) for room in mine] for mine in rooms] == [
        [("public", slug, slug)]
    ] * 2
    assert [mine[0]["me"]["role"] for mine in rooms] == ["owner", "member"]


async def test_the_slug_is_case_folded(alice: Account, bob: Account, slug: str) -> None:
    one = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(one)
    two = await bob.connect(path=f"/ws/chat/{slug.upper()}/")

    await two.send_json({"message": "same room"})

    await receive_text(one, "same room")


async def test_every_user_can_enter_the_lobby(alice: Account) -> None:
    socket = await alice.connect(path="/ws/chat/lobby/")

    await settled(socket)


async def test_older_messages_are_not_replayed_on_the_room_socket(alice: Account, bob: Account, slug: str) -> None:
    first = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(first)

    second = await bob.connect(path=f"/ws/chat/{slug}/")

    await settled(second)
    assert len(second.frames) == 1


async def test_the_room_socket_receives_messages_and_no_other_event(alice: Account, slug: str) -> None:
    room_socket = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(room_socket)
    room = (await alice.get("/v1/rooms")).json()["results"][0]

    message = await alice.post_message(room, "by REST")
    await alice.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", {"text": "edited"})
    await alice.patch(f"/v1/rooms/{room['id']}", {"topic": "rooms"})
    await settled(room_socket)

    assert [frame["seq"] for frame in room_socket.frames] == [2, 3, 6]


async def test_a_message_right_after_the_handshake_is_sent(alice: Account, slug: str) -> None:
    """The classic client sends as soon as it is connected."""
    sockets = [await alice.connect(path=f"/ws/chat/{slug}/") for _ in range(2)]

    for socket in sockets:
        for number in range(5):
            await socket.send_json({"message": f"{number}"})
        await receive_text(socket, "4")

    assert not any("error" in frame for socket in sockets for frame in socket.frames)


@ONCE
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{bad", "json.invalid"),
        ("[]", "frame.invalid"),
        ("{}", "frame.invalid"),
        (b'{"message": "hi"}', "frame.invalid"),
        ('{"message": "hi", "room": "x"}', "frame.invalid"),
        (r'{"message": "\u0000"}', "json.invalid"),
        ('{"message": null}', "request.invalid"),
        ('{"message": "%s"}' % ("x" * 8_001), "request.invalid"),
        ('{"action": "send_message", "message": "hi"}', "action.unknown"),
    ],
)
async def test_a_malformed_frame_gets_an_error_and_the_room_socket_stays_open(
    alice: Account, slug: str, frame: str | bytes, code: str
) -> None:
    socket = await alice.connect(path=f"/ws/chat/{slug}/")

    await socket.send(frame)

    assert await refusal(socket) == (400, code)
    await settled(socket)
    assert len(socket.frames) == 2


async def test_twenty_malformed_frames_close_the_room_socket(alice: Account, slug: str) -> None:
    socket = await alice.connect(path=f"/ws/chat/{slug}/")

    for _ in range(20):
        await socket.send("{bad")

    assert (await socket.end()).code == 4400
    assert {tuple(frame) for frame in socket.frames} == {("error",)}


@ONCE
@pytest.mark.parametrize("name", ["a b", "%00", "x" * 65, "caf%C3%A9%21"])
async def test_a_malformed_slug_is_rejected(alice: Account, name: str) -> None:
    socket = await alice.connect(path=f"/ws/chat/{name.replace(' ', '%20')}/")

    end = await socket.end()

    assert await refusal(socket) == (400, "request.invalid")
    assert (end.code, end.reason, end.goodbye) == (1008, "request.invalid", None)


@pytest.mark.parametrize("end", ["archive", "leave"])
async def test_a_slug_gets_a_new_room_after_its_room_was_archived(alice: Account, slug: str, end: str) -> None:
    await settled(await alice.connect(path=f"/ws/chat/{slug}/"))
    [room] = (await alice.get("/v1/rooms")).json()["results"]
    path = f"/v1/rooms/{room['id']}"
    assert (await (alice.delete(path) if end == "archive" else alice.post(f"{path}/leave"))).status_code == 204

    await settled(await alice.connect(path=f"/ws/chat/{slug}/"))

    [again] = (await alice.get("/v1/rooms")).json()["results"]
    assert (again["slug"], again["id"] == room["id"]) == (slug, False)


async def test_a_removed_member_gets_an_error_for_a_message(alice: Account, bob: Account, slug: str) -> None:
    room = await alice.make_room(bob, kind="public", slug=slug)
    socket = await bob.connect(path=f"/ws/chat/{slug}/")
    await settled(socket)
    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")
    await alice.post_message(room, "a secret")

    await socket.send_json({"message": "let me in"})

    assert await refusal(socket) == (403, "room.not_member")
    assert "secret" not in str(socket.frames)


@pytest.mark.parametrize("by", ["subprotocol", "frame"])
async def test_the_room_socket_accepts_all_three_carriers_of_the_token(alice: Account, slug: str, by: Any) -> None:
    socket = await alice.connect(path=f"/ws/chat/{slug}/", by=by)

    await settled(socket)

    assert len(socket.frames) == 1


async def test_an_unauthenticated_client_cannot_send_to_the_room(alice: Account, slug: str) -> None:
    socket = await Socket.open(f"{alice.server.ws_url}/ws/chat/{slug}/", face="room_socket")

    await socket.send_json({"message": "hi"})

    assert await refusal(socket) == (401, "auth.required")
    await socket.close()


async def test_an_unknown_token_closes_the_room_socket(here: ParleyServer, slug: str) -> None:
    socket = await Socket.open(f"{here.ws_url}/ws/chat/{slug}/", token="prl_unknown", face="room_socket")

    end = await socket.end()

    await socket.close()
    assert await refusal(socket) == (401, "auth.invalid_token")
    assert (end.code, end.goodbye, len(socket.frames)) == (4401, None, 1)


async def test_the_end_of_a_session_closes_the_room_socket(alice: Account, slug: str) -> None:
    socket = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(socket)

    await alice.post("/v1/auth/logout")

    end = await socket.end()
    assert (end.code, end.goodbye) == (4410, None)


async def test_a_frame_above_the_limit_closes_the_room_socket_without_a_goodbye(alice: Account, slug: str) -> None:
    socket = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(socket)

    await socket.send("x" * 65_537)

    assert (await socket.end()).code == 1009
    assert [set(frame) for frame in socket.frames] == [{"message", "sender", "seq"}]


async def test_a_streamed_message_arrives_when_it_is_finished(alice: Account, slug: str) -> None:
    socket = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(socket)
    room = (await alice.get("/v1/rooms")).json()["results"][0]
    path = f"/v1/rooms/{room['id']}/messages"
    begun = (await alice.post(path, {"client_id": "bat", "text": "Twinkle", "streaming": True})).json()

    finished = f"{path}/{begun['id']}/finish"
    assert (await alice.post(finished, {"text": "Twinkle, little bat!"})).status_code == 200
    await settled(socket)

    shown = [frame["message"] for frame in socket.frames if frame["seq"] == begun["seq"]]
    assert shown == ["Twinkle, little bat!"]


async def test_only_the_main_line_arrives(alice: Account, slug: str) -> None:
    socket = await alice.connect(path=f"/ws/chat/{slug}/")
    await settled(socket)
    room = (await alice.get("/v1/rooms")).json()["results"][0]
    path = f"/v1/rooms/{room['id']}/messages"
    root = (await alice.post(path, {"client_id": "root", "text": "root"})).json()["id"]

    for text, in_room in (("in the thread", False), ("in the room too", True)):
        body = {"client_id": uuid4().hex, "text": text, "thread_root": root, "in_room": in_room}
        assert (await alice.post(path, body)).status_code == 201

    await receive_text(socket, "in the room too")
    texts = [frame["message"] for frame in socket.frames if "message" in frame]
    assert (texts[-2:], "in the thread" in texts) == (["root", "in the room too"], False)
