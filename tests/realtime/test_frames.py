"""The reply law: every frame gets exactly one reply, and no frame kills the socket."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.answers import Reply
from tests.realtime.actions.outsider_answers import NOWHERE
from tests.servers import ParleyServer
from tests.sockets import Account, Socket

BOMB = "[" * 30_000
PING = '{"action": "ping", "request_id": "r", '
SEND = f'{{"action": "send_message", "request_id": "r", "room_id": "{NOWHERE}", "client_id": "c", "text": "x"'

# A frame for each class of failure. The whole tables are those of test_read_frame.py and wire/test_strict_json.py.
# Without a request_id that can be read.
NAMELESS: dict[str, tuple[str | bytes, str]] = {
    "half an object": ("{bad", "json.invalid"),
    "nothing": ("", "json.invalid"),
    "a list": ("[1]", "frame.invalid"),
    "no action": ('{"room_id": null}', "frame.invalid"),
    "bytes": (b'{"action": "ping"}', "frame.invalid"),
    "a bomb of brackets": (BOMB, "json.invalid"),
    "a request_id of half a surrogate": (r'{"action": "ping", "request_id": "\ud800"}', "json.invalid"),
    "an infinite request_id": ('{"action": "ping", "request_id": 1e999}', "json.invalid"),
    "a request_id that is a list": ('{"action": "ping", "request_id": []}', "frame.invalid"),
    "a request_id that is too long": ('{"action": "ping", "request_id": "%s"}' % ("x" * 65), "frame.invalid"),
}

NAMED: dict[str, tuple[str, str]] = {
    "no action": ('{"request_id": "r"}', "frame.invalid"),
    "an unknown action": ('{"request_id": "r", "action": "explode"}', "action.unknown"),
    "a method that is no action": ('{"request_id": "r", "action": "websocket_disconnect"}', "action.unknown"),
    "self": ('{"request_id": "r", "action": "ping", "self": 1}', "request.invalid"),
    "body": ('{"request_id": "r", "action": "ping", "body": {}}', "request.invalid"),
    "an empty key": ('{"request_id": "r", "action": "ping", "": 1}', "request.invalid"),
    "too many keys": (PING + ", ".join(f'"k{n}": 1' for n in range(2_100)) + "}", "json.invalid"),
    "a missing field": ('{"request_id": "r", "action": "subscribe"}', "request.invalid"),
    "a mistyped field": ('{"request_id": "r", "action": "subscribe", "room_id": {"$ne": null}}', "request.invalid"),
    "a key twice": ('{"request_id": "r", "action": "ping", "action": "ping"}', "json.invalid"),
    "NaN": (SEND + ', "metadata": {"a": NaN}}', "json.invalid"),
    "too deep": (SEND + ', "metadata": ' + '{"a":' * 16 + "1" + "}" * 17, "json.invalid"),
    "NUL": (SEND + r', "metadata": {"a": "\u0000"}}', "json.invalid"),
    "a text of control characters": (SEND.replace('"x"', r'"\u001b[2J"') + "}", "request.invalid"),
}


async def the_one_reply(socket: Socket, frame: str | bytes) -> Reply:
    """The only reply to a frame: the next frame is the pong of a later ping."""
    await socket.send(frame)
    await socket.settled()
    _, reply, pong = socket.frames
    assert pong["action"] == "ping"
    assert set(reply) == {"action", "request_id", "response_status", "errors", "data"}
    assert reply["data"] is None
    return Reply(reply)


@pytest.mark.parametrize("name", NAMELESS)
async def test_a_bad_frame_without_request_id_gets_one_reply(alice: Account, name: str) -> None:
    frame, code = NAMELESS[name]
    socket = await alice.connect()

    reply = await the_one_reply(socket, frame)

    assert reply.refusal == (400, code)
    assert reply.frame["request_id"] is None


@pytest.mark.parametrize("name", NAMED)
async def test_a_bad_frame_with_request_id_gets_one_reply_with_it(alice: Account, name: str) -> None:
    frame, code = NAMED[name]
    socket = await alice.connect()

    reply = await the_one_reply(socket, frame)

    assert reply.refusal == (400, code)
    assert reply.frame["request_id"] == "r"
    assert reply.frame["errors"][0]["request_id"] == "r"


@pytest.mark.parametrize("request_id", [1, "r"])
async def test_an_unknown_action_appears_only_in_the_problem(alice: Account, request_id: int | str) -> None:
    socket = await alice.connect()

    await socket.send_json({"action": "explode", "request_id": request_id})

    frame = (await socket.reply(request_id)).frame
    [problem] = frame["errors"]
    [error] = problem["errors"]
    assert frame["action"] is None
    assert (error["field"], error["code"]) == ("action", "unknown")
    assert "explode" in error["detail"]
    assert "explode" in problem["detail"]


async def test_a_long_unknown_action_is_truncated_in_the_problem(alice: Account) -> None:
    socket = await alice.connect()

    await socket.send_json({"action": "x" * 50_000, "request_id": "r"})

    assert len(json.dumps((await socket.reply("r")).frame)) < 3_000


@pytest.mark.parametrize(
    ("frame", "action"),
    [
        ('{"action": ["ping"], "request_id": "r"}', None),
        ('{"action": "explode", "request_id": []}', None),
        ('{"action": "ping", "request_id": []}', "ping"),
        ('{"action": "ping", "request_id": 9007199254740992}', "ping"),
        ('{"action": "explode", "request_id": NaN}', None),
        ('{"action": "explode", "a": NaN}', None),
        ('{"action": "ping", "a": NaN}', "ping"),
    ],
)
async def test_an_error_reply_has_a_known_action_or_null(alice: Account, frame: str, action: str | None) -> None:
    socket = await alice.connect()

    reply = await the_one_reply(socket, frame)

    assert reply.frame["action"] == action


async def test_twenty_bad_frames_in_a_minute_close_the_socket(alice: Account) -> None:
    socket = await alice.connect()

    for _ in range(20):
        await socket.send("{bad")

    end = await socket.end()
    replies = [frame for frame in socket.frames if "response_status" in frame]
    assert len(replies) == 20
    assert (end.code, end.reason) == (4400, "bad_frames")
    assert end.goodbye == {"code": 4400, "reason": "bad_frames", "reconnect": False, "retry_after_ms": None}


async def test_nineteen_bad_frames_in_a_minute_do_not_close_the_socket(alice: Account) -> None:
    socket = await alice.connect()

    for _ in range(19):
        await socket.send("{bad")

    await socket.settled()
    assert socket.alive
    assert len([frame for frame in socket.frames if frame.get("errors")]) == 19


async def test_a_rejected_request_does_not_count_as_a_bad_frame(alice: Account) -> None:
    socket = await alice.connect()

    replies = [await socket.call("send_message", room_id=NOWHERE) for _ in range(25)]

    assert {reply.status for reply in replies} == {400}
    await socket.settled()


async def test_a_frame_of_64_kib_is_accepted(alice: Account) -> None:
    socket = await alice.connect()
    frame = json.dumps({"action": "ping", "request_id": "r", "you": ""})

    await socket.send(frame.replace('""', f'"{"x" * (65_536 - len(frame))}"'))

    assert (await socket.reply("r")).refusal == (400, "request.invalid")


async def test_a_frame_above_64_kib_closes_the_socket(alice: Account, here: ParleyServer, daphne: ParleyServer) -> None:
    socket = await alice.connect()

    await socket.send("x" * 65_537)

    end = await socket.end()
    assert end.code == 1009
    if here is daphne:  # under uvicorn the close is its own (README)
        assert end.goodbye == {"code": 1009, "reason": "frame_too_big", "reconnect": False, "retry_after_ms": None}


ODD_BODIES: list[bytes] = [
    b"{bad",
    b"[1]",
    b"\xff",
    b'{"client_id": "c", "text": "x", "metadata": {"a": NaN}}',
    b'{"client_id": "c", "text": "x", "metadata": %s1%s}' % (b'{"a":' * 16, b"}" * 16),
    rb'{"client_id": "c", "text": "\u0000"}',
    b'{"client_id": "c", "text": "x", "text": "y"}',
    b'{"client_id": "c", "text": "x", "self": 1}',
    BOMB.encode(),
]


async def test_rest_bodies_are_parsed_as_strictly_as_frames(alice: Account) -> None:
    room = await alice.make_room()

    answers = [await alice.post(f"/v1/rooms/{room['id']}/messages", body) for body in ODD_BODIES]

    assert [answer.status_code for answer in answers] == [400] * len(ODD_BODIES)
    assert {answer.json()["code"] for answer in answers} == {"json.invalid", "request.invalid"}
    assert (await alice.get(f"/v1/rooms/{room['id']}")).json()["head"] == 1


async def test_a_handshake_on_an_unknown_path_is_refused(alice: Account, http: httpx.AsyncClient) -> None:
    refused: Any = None
    try:
        await alice.connect(path="/v1/elsewhere")
    except Exception as error:  # the client's own exception carries the response
        refused = error

    assert refused.response.status_code == 403


@pytest.mark.parametrize(("path", "right"), [("/v1/ws/", "/v1/ws"), ("/ws/chat/lobby", "/ws/chat/lobby/")])
async def test_a_handshake_with_a_wrong_slash_gets_the_right_path(alice: Account, path: str, right: str) -> None:
    refused: Any = None
    try:
        await alice.connect(path=path)
    except Exception as error:
        refused = error

    assert refused.response.status_code == 404
    problem = json.loads(refused.response.body)
    assert (problem["code"], problem["status"]) == ("not_found", 404)
    assert problem["detail"].endswith(f" {right}.")


@pytest.mark.parametrize(("path", "status"), [("/v1/ws", "426 Upgrade Required"), ("/v1/me", "401 Unauthorized")])
async def test_the_status_line_of_a_refused_handshake_has_its_phrase(
    http: httpx.AsyncClient, here: ParleyServer, path: str, status: str
) -> None:
    response = await http.get(f"{here.url}{path}")

    assert f"{response.status_code} {response.reason_phrase}" == status


async def test_a_byte_order_mark_and_null_fields_are_ignored(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()
    body = {"room_id": room["id"].upper(), "before": None, "after": None, "around": None, "limit": None}

    await socket.send("\ufeff" + json.dumps({"action": "get_messages", "request_id": "r", **body}))

    assert (await socket.reply("r")).status == 200
    assert (await socket.call("sync", rooms=None, limit=None, subscribe=None)).status == 200
    assert (await socket.call("subscribe", room_id=room["id"].upper(), after=None, epoch=None)).status == 200
