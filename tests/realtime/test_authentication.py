"""Authentication of a socket: three carriers of the token, and closes that a browser can read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.answers import End
from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer
from tests.sockets import Account, Carrier, Socket
from wire.rates import ANNOUNCED


async def refused(server: ParleyServer, path: str = "/v1/ws", **options: Any) -> End:
    """Connect, and be sent away."""
    socket = await Socket.open(f"{server.ws_url}{path}", **options)
    end = await socket.end()
    await socket.close()
    assert [frame["action"] for frame in socket.frames] == ["goodbye"]
    assert end.goodbye is not None
    assert (end.goodbye["code"], end.goodbye["reason"]) == (end.code, end.reason)
    return end


@pytest.mark.parametrize("by", ["header", "subprotocol", "frame"])
async def test_it_works(alice: Account, by: Carrier) -> None:
    socket = await alice.connect(by=by)

    hello = await socket.hello()
    assert hello["user"] == alice.user
    assert hello["session"]["id"] == alice.session["id"]
    assert (hello["protocol"], hello["epoch"], hello["heartbeat"]) == ("chat.v1", 1, {"interval_ms": 25_000})
    assert hello["limits"] == {
        "frame_bytes": 65_536,
        "text_chars": 8_000,
        "text_bytes": 16_384,
        "metadata_bytes": 4_096,
        "rooms": 1_000,
        "page": 100,
        "batch": 50,
        "replay": 1_000,
        "sessions": 100,
        "sockets": {"session": 20, "user": 60, "address": 2_000},
        "rates": ANNOUNCED,
    }
    assert hello["typing"] == {"resend_ms": 5_000, "expire_ms": 15_000}


async def test_the_server_selects_the_protocol_and_never_the_token(alice: Account) -> None:
    offered = await alice.connect(by="subprotocol")
    silent = await alice.connect(by="header")

    assert offered.connection.subprotocol == "chat.v1"
    assert silent.connection.subprotocol is None


async def test_hello_is_the_first_frame(alice: Account) -> None:
    socket = await alice.connect(by="header")

    await socket.settled()

    assert [frame["action"] for frame in socket.frames] == ["hello", "ping"]


async def test_the_reply_to_authenticate_precedes_hello(alice: Account) -> None:
    socket = await alice.connect(by="frame")

    assert [frame["action"] for frame in socket.frames] == ["authenticate", "hello"]
    assert socket.frames[0]["data"]["user"] == alice.user


async def test_frames_right_after_the_token_are_answered(alice: Account) -> None:
    room = await alice.make_room()
    socket = await Socket.open(f"{alice.server.ws_url}/v1/ws")
    alice.stack.push_async_callback(socket.close)

    await socket.send_json({"action": "authenticate", "token": alice.token, "request_id": 1})
    await socket.send_json({"action": "subscribe", "room_id": room["id"], "request_id": 2})

    assert (await socket.reply(1)).status == 200
    assert (await socket.reply(2)).status == 200


async def test_the_header_takes_precedence_over_the_subprotocol(alice: Account) -> None:
    socket = await alice.connect(by="header", subprotocols=["chat.v1", "bearer.prl_wrong"])
    end = await refused(
        alice.server,
        headers={"Authorization": "Bearer prl_wrong"},
        subprotocols=["chat.v1", f"bearer.{alice.token}"],
    )

    assert (await socket.hello())["user"]["id"] == alice.id
    assert end.code == 4401


async def test_an_unknown_token_closes_the_socket(here: ParleyServer) -> None:
    by_header = await refused(here, token="prl_unknown")
    by_subprotocol = await refused(here, token="prl_unknown", by="subprotocol")

    assert (by_header.code, by_header.reason) == (4401, "unauthenticated")
    assert by_header.goodbye == {
        "code": 4401,
        "reason": "unauthenticated",
        "reconnect": False,
        "retry_after_ms": None,
    }
    assert by_subprotocol == by_header


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "Token x"])
async def test_another_authorization_scheme_closes_the_socket(here: ParleyServer, header: str) -> None:
    assert (await refused(here, headers={"Authorization": header})).code == 4401


async def test_an_unknown_token_in_the_first_frame_gets_a_reply_and_a_close(here: ParleyServer) -> None:
    socket = await Socket.open(f"{here.ws_url}/v1/ws")

    reply = await socket.call("authenticate", token="prl_unknown")

    end = await socket.end()
    await socket.close()
    assert reply.refusal == (401, "auth.invalid_token")
    assert [frame["action"] for frame in socket.frames] == ["authenticate", "goodbye"]
    assert end.code == 4401


async def test_a_token_of_an_ended_session_closes_the_socket(alice: Account) -> None:
    await alice.post("/v1/auth/logout")

    assert (await refused(alice.server, token=alice.token)).code == 4401


@pytest.mark.parametrize("name", ["token", "access_token"])
async def test_a_token_in_the_url_closes_the_socket_even_if_valid(alice: Account, name: str) -> None:
    end = await refused(alice.server, f"/v1/ws?{name}={alice.token}", token=alice.token)

    assert (end.code, end.reason) == (4401, "token_in_url")


@pytest.mark.parametrize("offered", [["chat.v2"], ["graphql-ws"], ["bearer.{token}"]])
async def test_an_unknown_subprotocol_closes_the_socket(alice: Account, offered: list[str]) -> None:
    end = await refused(alice.server, subprotocols=[name.format(token=alice.token) for name in offered])

    assert (end.code, end.reason) == (4426, "protocol")


@pytest.mark.parametrize("offered", [["chat.v2"], ["graphql-ws", "bearer.x"]])
async def test_an_unknown_subprotocol_with_a_token_in_the_header_closes_the_socket(
    alice: Account, offered: list[str]
) -> None:
    end = await refused(alice.server, token=alice.token, subprotocols=offered)

    assert (end.code, end.reason) == (4426, "protocol")


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "file://", "http://evil.localhost", "x"])
async def test_a_foreign_origin_closes_the_socket(alice: Account, origin: str) -> None:
    end = await refused(alice.server, token=alice.token, headers={"Origin": origin})

    assert (end.code, end.reason) == (4406, "origin_not_allowed")


async def test_an_origin_rebound_to_our_address_closes_the_socket(alice: Account) -> None:
    port = int(alice.server.url.rsplit(":", 1)[1])
    page = f"evil.example.com:{port}"

    where: dict[str, Any] = {"host": "127.0.0.1", "port": port}
    async with connect(f"ws://{page}/v1/ws", origin=Origin(f"http://{page}"), proxy=None, **where) as socket:
        goodbye = json.loads(await socket.recv())

    assert goodbye["data"]["reason"] == "origin_not_allowed"


async def test_the_own_origin_and_allowed_origins_are_accepted(alice: Account) -> None:
    on_a_desk = ("http://localhost:5173", "http://127.0.0.1:1", "http://10.0.2.2", "http://10.0.2.2:8100")
    for origin in (alice.server.url, "https://app.example.com", "https://APP.example.com:443", *on_a_desk):
        await alice.connect(headers={"Origin": origin})


async def test_actions_before_authentication_are_rejected(alice: Account) -> None:
    room = await alice.make_room()
    socket = await Socket.open(f"{alice.server.ws_url}/v1/ws")
    alice.stack.push_async_callback(socket.close)

    actions = ("ping", "subscribe", "send_message", "get_messages", "sync", "typing", "explode")
    refusals = [(await socket.call(action, room_id=room["id"])).refusal for action in actions]

    assert refusals == [(401, "auth.required")] * len(actions)


@pytest.mark.parametrize("body", [{}, {"token": 5}, {"token": None}, {"token": "x" * 257}, {"token": "x", "you": 1}])
async def test_a_malformed_authenticate_can_be_retried(alice: Account, body: dict[str, Any]) -> None:
    socket = await Socket.open(f"{alice.server.ws_url}/v1/ws")
    alice.stack.push_async_callback(socket.close)

    reply = await socket.call("authenticate", **body)

    assert reply.refusal == (400, "request.invalid")
    assert (await socket.call("authenticate", token=alice.token)).status == 200


async def test_a_socket_that_never_authenticates_is_closed(deployment: Deployment) -> None:
    """Other frames do not stop the clock. Both servers at once, because it takes five seconds."""
    sockets = [await Socket.open(f"{server.ws_url}/v1/ws") for server in deployment.servers]
    for socket in sockets:
        await socket.call("ping")

    ends = await asyncio.gather(*(socket.end() for socket in sockets))

    for socket in sockets:
        await socket.close()
    assert [(end.code, end.reason) for end in ends] == [(4408, "auth_timeout")] * 2
    assert all(end.goodbye and end.goodbye["code"] == 4408 for end in ends)


async def test_a_fresh_token_keeps_all_subscriptions(alice: Account) -> None:
    room = await alice.make_room()
    laptop = await alice.another_device()
    socket = await alice.listen(room, None)

    reply = await socket.call("authenticate", token=laptop.token)
    await alice.post("/v1/auth/logout")

    await laptop.post_message(room, "still here")
    await socket.until_message("still here")
    assert reply.status == 200
    assert reply.data["session"]["id"] == laptop.session["id"]
    assert len([frame for frame in socket.frames if frame["action"] == "hello"]) == 1


async def test_the_fresh_token_replaces_the_old_session(alice: Account) -> None:
    laptop = await alice.another_device()
    socket = await alice.connect()
    await socket.call("authenticate", token=laptop.token)

    await laptop.post("/v1/auth/logout")

    assert (await socket.end()).code == 4410


async def test_a_token_of_another_user_is_rejected(alice: Account, charlie: Account) -> None:
    room = await alice.make_room()
    socket = await alice.listen(room)

    reply = await socket.call("authenticate", token=charlie.token)

    await alice.post_message(room, "still mine")
    await socket.until_message("still mine")
    assert reply.refusal == (403, "auth.other_user")


async def test_an_invalid_fresh_token_changes_nothing(alice: Account) -> None:
    socket = await alice.connect()

    reply = await socket.call("authenticate", token="prl_wrong")

    assert reply.refusal == (401, "auth.invalid_token")
    await socket.settled()
