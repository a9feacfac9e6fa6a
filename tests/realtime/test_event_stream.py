"""`POST stream`: everything that a socket would push, as server-sent events."""

from __future__ import annotations

import asyncio
import json
import socket as tcp
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.realtime.deployment import ACROSS_SECONDS, ONCE
from tests.realtime.test_long_poll import poll
from tests.realtime.test_robustness import held, let_go, memory
from tests.servers import ParleyServer
from tests.sockets import PATIENCE, TLS, Account, join_parley
from tests.streams import Stream, cursors

MIB = 1024 * 1024
BATCHES = 40  # of 60 KiB: ten times what the server keeps for a reader


async def test_it_begins_with_hello_and_the_sync_and_goes_on_live(
    alice: Account, bob: Account, there: ParleyServer
) -> None:
    room = await alice.make_room(bob)
    body = await cursors(bob)
    await alice.post_message(room, "missed")

    stream = await Stream.follow(bob, body)
    await stream.synced()
    live = await alice.post_message(room, "live", server=there)
    await stream.until_seq(room["id"], live["seq"])

    hello, synced, events = stream.frames[:3]
    assert stream.response.headers["content-type"] == "text/event-stream"
    assert stream.response.headers["cache-control"] == "no-store, no-transform"
    assert (hello["action"], hello["data"]["heartbeat"]) == ("hello", {"interval_ms": 15_000})
    assert (hello["data"]["user"]["id"], hello["data"]["session"]["id"]) == (bob.id, bob.session["id"])
    assert (synced["action"], synced["request_id"], synced["response_status"]) == ("sync", None, 200)
    assert [event["data"]["text"] for event in synced["data"]["rooms"][0]["events"]] == ["missed"]
    assert (events["action"], stream.texts()) == ("events", ["live"])


@ONCE
async def test_its_events_are_those_of_a_socket(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    socket = await bob.listen(room, None)
    stream = await Stream.follow(bob, await cursors(bob))
    await stream.synced()

    message = await alice.post_message(room, "Tea?\n☕")
    await alice.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", {"text": "Tea!"})
    await alice.post(f"/v1/rooms/{room['id']}/typing", {"on": True})
    await bob.post(f"/v1/rooms/{room['id']}/read", {"seq": 2})

    kept = []
    for each in (socket, stream):
        await each.until_seq(None, 2)
        kept.append([event for event in each.events if event["seq"] or event["type"] == "typing"])
    assert [event["type"] for event in kept[1]] == ["message.created", "message.edited", "typing", "read.updated"]
    assert kept[0] == kept[1]


@ONCE
async def test_a_cut_stream_goes_on_by_the_cursors_of_its_body(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    body = await cursors(bob)
    received = []

    for number in range(3):
        stream = await Stream.follow(bob, body)
        await stream.synced()
        message = await alice.post_message(room, f"m{number}")
        await stream.until_seq(room["id"], message["seq"])
        await stream.close()
        received += stream.texts()
        body["rooms"][room["id"]] = message["seq"]

    assert received == ["m0", "m1", "m2"]


@ONCE
async def test_all_pages_of_the_sync_come_before_the_events(alice: Account) -> None:
    rooms = [await alice.make_room() for _ in range(3)]

    stream = await Stream.follow(alice, {"rooms": {room["id"]: 0 for room in rooms}, "limit": 1})
    for room in rooms:  # while the pages are on their way
        await alice.post_message(room, "hello")

    def synced() -> list[dict[str, Any]]:
        pages = [frame["data"] for frame in stream.frames if frame["action"] == "sync"]
        return [event for page in pages for entry in page["rooms"] for event in entry["events"]]

    def seqs(room: dict[str, Any]) -> list[int]:
        """Those of both ways; a message comes on a page, or after it."""
        found = [event["seq"] for event in [*synced(), *stream.events] if event["room_id"] == room["id"]]
        return [seq for seq in found if seq]

    await stream.find(lambda _: all(len(seqs(room)) >= 2 for room in rooms))
    assert [seqs(room) for room in rooms] == [[1, 2]] * 3
    pages = [frame["data"] for frame in stream.frames if frame["action"] == "sync"]
    assert [frame["action"] for frame in stream.frames[: 1 + len(pages)]] == ["hello", *["sync"] * len(pages)]
    assert len(pages) >= 3
    assert [page["next"] is None for page in pages] == [False] * (len(pages) - 1) + [True]


@ONCE
async def test_a_room_that_is_added_later_is_live(alice: Account, bob: Account) -> None:
    stream = await Stream.follow(bob, {})
    await stream.synced()

    room = await alice.make_room(bob)
    await alice.post_message(room, "welcome")

    await stream.until_message("welcome")
    assert stream.seqs(room["id"]) == [1, 2]


@ONCE
async def test_a_removed_member_receives_nothing_more(alice: Account, bob: Account) -> None:
    room, other = await alice.make_room(bob), await alice.make_room(bob)
    stream = await Stream.follow(bob, await cursors(bob))
    await stream.synced()

    await alice.delete(f"/v1/rooms/{room['id']}/members/{bob.id}")
    await alice.post_message(room, "secret")
    await alice.post_message(other, "hello")

    await stream.until_message("hello")
    assert stream.seqs(room["id"]) == [2]
    assert stream.texts() == ["hello"]


async def test_the_end_of_the_session_ends_the_stream(alice: Account) -> None:
    stream = await Stream.follow(alice, {})
    await stream.hello()

    await (await alice.another_device()).delete(f"/v1/auth/sessions/{alice.session['id']}")

    assert await stream.goodbye() == {
        "code": 4410,
        "reason": "session_revoked",
        "reconnect": False,
        "retry_after_ms": None,
    }


@ONCE
async def test_a_session_that_ends_in_another_process_ends_the_stream(alice: Account, there: ParleyServer) -> None:
    stream = await Stream.follow(alice, {})
    await stream.hello()
    device = await alice.another_device()

    began = asyncio.get_running_loop().time()
    await device.request("DELETE", f"/v1/auth/sessions/{alice.session['id']}", server=there)

    assert (await stream.goodbye())["code"] == 4410
    assert asyncio.get_running_loop().time() - began < ACROSS_SECONDS + PATIENCE


@ONCE
async def test_a_third_waiter_of_a_session_ends_the_oldest(alice: Account, here: ParleyServer) -> None:
    body = await cursors(alice)
    first = await Stream.follow(alice, body)
    await first.hello()

    async with poll(alice, body) as waiting:
        third = await Stream.follow(alice, body)
        goodbye = await first.goodbye()
        await third.hello()
        is_waiting = not waiting.done()
        await alice.make_room()

    assert (goodbye["code"], goodbye["reason"], goodbye["reconnect"]) == (4429, "rate_limited", True)
    assert goodbye["retry_after_ms"] == 10_000
    assert is_waiting
    await third.next_event("room.created")


@ONCE
@pytest.mark.parametrize(
    ("body", "field"),
    [({"rooms": 1}, "rooms"), ({"colour": 1}, "colour"), ({"limit": 0}, "limit"), ([], "")],
)
async def test_a_wrong_body_is_refused(alice: Account, body: object, field: str) -> None:
    stream = await Stream.follow(alice, body)

    problem = stream.response.json()
    assert (stream.response.status_code, problem["code"]) == (400, "request.invalid")
    assert problem["errors"][0]["field"] == field
    assert stream.response.headers["content-type"] == "application/problem+json"


@ONCE
async def test_it_needs_a_token(here: ParleyServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{here.url}/v1/stream", json={})

    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")


@ONCE
async def test_a_page_of_another_origin_may_read_it(alice: Account, here: ParleyServer) -> None:
    headers = {"Authorization": f"Bearer {alice.token}", "Origin": "https://app.example.com"}
    async with alice.http.stream("POST", f"{here.url}/v1/stream", json={}, headers=headers) as response:
        assert response.headers["access-control-allow-origin"] == "https://app.example.com"


async def test_a_client_that_is_gone_leaves_nothing_behind(
    alice: Account, here: ParleyServer, http: httpx.AsyncClient
) -> None:
    await alice.make_room()
    before = await held(http, here)

    streams = [await Stream.follow(alice, {}) for _ in range(2)]
    for stream in streams:
        await stream.synced()
        await stream.close()

    await let_go(http, here, before)


def stop_reading(server: ParleyServer, token: str, body: dict[str, Any]) -> tcp.socket:
    """Open a stream over a connection with a small buffer, and read nothing."""
    address = urlsplit(server.url)
    connection = tcp.socket()
    connection.setsockopt(tcp.SOL_SOCKET, tcp.SO_RCVBUF, 4096)
    connection.connect((address.hostname, address.port))
    content = json.dumps(body).encode()
    head = [
        "POST /v1/stream HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + content)
    return connection


@ONCE
async def test_a_client_that_does_not_read_costs_little_and_loses_nothing(
    alice: Account, bob: Account, here: ParleyServer
) -> None:
    """The server keeps no more than its buffers; the log has the rest."""
    room = await alice.make_room(bob)
    body = await cursors(bob)
    sender = await alice.connect()
    before = memory(here)
    with stop_reading(here, bob.token, body):
        for number in range(BATCHES):
            items = [{"client_id": f"{number}-{place}", "text": "x" * 3_500} for place in range(16)]
            assert (await sender.call("send_messages", room_id=room["id"], items=items)).status == 200
        grown = memory(here) - before

    stream = await Stream.follow(bob, body)
    await stream.find(lambda frame: frame["action"] == "sync" and frame["data"]["next"] is None)
    entries = [entry for frame in stream.frames if frame["action"] == "sync" for entry in frame["data"]["rooms"]]
    seqs = [event["seq"] for entry in entries for event in entry["events"]]
    assert seqs == list(range(2, 2 + 16 * BATCHES))
    assert grown < 8 * MIB


@ONCE
async def test_comments_come_until_an_old_stream_ends(here: ParleyServer, stack: AsyncExitStack) -> None:
    """A server of its own, with comments every 0.1 s and streams that live for one second."""
    with ParleyServer(env={"DJANGO_SETTINGS_MODULE": "tests.realtime.impatient_settings"}) as server:
        http = await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=PATIENCE))
        stream = await Stream.follow(await join_parley(server, http, stack, "alice"), {})
        goodbye = await stream.goodbye()

    assert stream.comments > 2
    assert (goodbye["code"], goodbye["reason"], goodbye["reconnect"]) == (1012, "restart", True)
    assert 0 <= goodbye["retry_after_ms"] < 1000
