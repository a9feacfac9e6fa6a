"""get_messages: a page of history, as REST gives it."""

from typing import Any

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, answer, problems_for_outsider, reply_content
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account) -> None:
    room = await alice.make_room()
    sent = [await alice.post_message(room, text) for text in ("one", "two", "three")]
    socket = await alice.connect()

    reply = await socket.call("get_messages", room_id=room["id"], limit=2)

    assert reply.status == 200
    assert reply.data["results"] == sent[1:]
    assert reply.data["page"] == {"oldest_seq": 3, "newest_seq": 4, "more_before": True, "more_after": False}
    assert (reply.data["head"], reply.data["epoch"]) == (4, room["epoch"])


@ONCE
@pytest.mark.parametrize(
    "page",
    [
        {},
        {"before": 4},
        {"after": 2, "limit": 1},
        {"around": 3, "limit": 3},
        {"around": "unread"},
        {"after": "2020-01-01T00:00:00Z"},
        {"before": 9_999},
        {"around": "01890000-0000-7000-8000-000000000000"},
    ],
)
async def test_rest_returns_the_same_page_of_messages(alice: Account, page: dict[str, Any]) -> None:
    room = await alice.make_room()
    for text in ("one", "two", "three"):
        await alice.post_message(room, text)
    socket = await alice.connect()

    reply = await socket.call("get_messages", room_id=room["id"], **page)
    twin = await alice.get(f"/v1/rooms/{room['id']}/messages", **page)

    assert reply_content(reply) == answer(twin)


@ONCE
@pytest.mark.parametrize(
    "page",
    [
        {"limit": 101},
        {"limit": 1.5},
        {"before": 1, "after": 2},
        {"before": True},
        {"around": []},
        {"offset": 3},
    ],
)
async def test_a_bad_page_of_messages_is_rejected(alice: Account, page: dict[str, Any]) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("get_messages", room_id=room["id"], **page)

    assert reply.refusal == (400, "request.invalid")
    assert reply.fields


async def test_a_page_of_messages_is_limited_in_bytes(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()
    for batch in range(10):
        items = [{"client_id": f"{batch}-{n}", "text": "ü" * 7_000} for n in range(4)]
        await socket.call("send_messages", room_id=room["id"], items=items)

    reply = await socket.call("get_messages", room_id=room["id"], limit=100)

    assert 0 < len(reply.data["results"]) < 40
    assert len(str(reply.data).encode()) < 256 * 1024
    assert reply.data["page"]["more_before"]
    assert reply.data["page"]["newest_seq"] == reply.data["head"] == 41


async def test_an_outsider_reads_no_messages(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "get_messages") == NOT_ACCESSIBLE
