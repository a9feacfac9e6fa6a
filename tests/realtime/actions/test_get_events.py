"""get_events: a page of a room's log, or of the inbox."""

from typing import Any

import pytest

from tests.realtime.actions.outsider_answers import NOT_ACCESSIBLE, answer, problems_for_outsider, reply_content
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account) -> None:
    room = await alice.make_room()
    message = await alice.post_message(room, "one")
    socket = await alice.connect()

    reply = await socket.call("get_events", room_id=room["id"], after=1)

    assert reply.status == 200
    assert [(event["type"], event["seq"], event["data"]) for event in reply.data["results"]] == [
        ("message.created", 2, message)
    ]
    assert (reply.data["head"], reply.data["more"]) == (2, False)


async def test_events_without_a_room_are_those_of_the_inbox(alice: Account) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("get_events", room_id=None)

    assert [(event["type"], event["room_id"], event["data"]["id"]) for event in reply.data["results"]] == [
        ("room.added", None, room["id"])
    ]
    assert reply_content(reply) == answer(await alice.get("/v1/me/events"))


@ONCE
@pytest.mark.parametrize("page", [{}, {"after": 1, "limit": 1}, {"before": 3}, {"after": 99}])
async def test_rest_returns_the_same_page_of_events(alice: Account, page: dict[str, Any]) -> None:
    room = await alice.make_room()
    for text in ("one", "two", "three"):
        await alice.post_message(room, text)
    socket = await alice.connect()

    reply = await socket.call("get_events", room_id=room["id"], **page)

    assert reply_content(reply) == answer(await alice.get(f"/v1/rooms/{room['id']}/events", **page))


@ONCE
@pytest.mark.parametrize("page", [{"limit": 201}, {"after": "1"}, {"around": 1}])
async def test_a_bad_page_of_events_is_rejected(alice: Account, page: dict[str, Any]) -> None:
    room = await alice.make_room()
    socket = await alice.connect()

    reply = await socket.call("get_events", room_id=room["id"], **page)

    assert reply.refusal == (400, "request.invalid")


async def test_events_need_a_room_id_or_null(alice: Account) -> None:
    socket = await alice.connect()

    reply = await socket.call("get_events")

    assert reply.refusal == (400, "request.invalid")
    assert reply.fields == {"room_id": "required"}


async def test_an_outsider_reads_no_events(alice: Account, charlie: Account) -> None:
    assert await problems_for_outsider(charlie, alice, "get_events") == NOT_ACCESSIBLE
