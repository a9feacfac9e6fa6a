"""ping: returns the server's time."""

import pytest

from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account) -> None:
    socket = await alice.connect()

    reply = await socket.call("ping")

    assert reply.status == 200
    assert set(reply.data) == {"server_time"}
    assert reply.data["server_time"].endswith("Z")


@ONCE
@pytest.mark.parametrize("request_id", ["a1", "", "x" * 64, 7, 0, -5, 2**53 - 1, None])
async def test_the_reply_repeats_the_request_id(alice: Account, request_id: str | int | None) -> None:
    socket = await alice.connect()

    await socket.send_json({"action": "ping", "request_id": request_id})

    reply = await socket.reply(request_id)
    assert set(reply.frame) == {"action", "request_id", "response_status", "errors", "data"}
    assert (reply.frame["action"], reply.status, reply.frame["errors"]) == ("ping", 200, [])


async def test_an_unknown_field_is_named_in_the_problem(alice: Account) -> None:
    socket = await alice.connect()

    reply = await socket.call("ping", you=1)

    assert reply.refusal == (400, "request.invalid")
    assert reply.fields == {"you": "unknown"}
