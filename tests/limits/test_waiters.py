"""Limits of long polls and event streams: opened per session, open beside sockets, and new ones of a late server."""

from __future__ import annotations

import httpx

from tests.limits.small import SMALL
from tests.limits.test_overload import until_admitted
from tests.servers import ParleyServer
from tests.sockets import Account
from tests.streams import Stream, cursors


async def test_streams_and_syncs_share_a_limit(alice: Account) -> None:
    limit, _ = SMALL["sync"]
    for _ in range(limit - 1):
        assert (await alice.post("/v1/sync", {})).status_code == 200

    allowed, refused = await Stream.follow(alice, {}), await Stream.follow(alice, {})

    assert allowed.response.status_code == 200
    assert (refused.response.status_code, refused.response.json()["code"]) == (429, "limit.sync")
    assert refused.response.headers["ratelimit-policy"].startswith('"sync"')


async def test_they_count_as_open_sockets(alice: Account, address: str) -> None:
    body, forwarded = await cursors(alice), {"X-Forwarded-For": address}
    first = await alice.connect(headers=forwarded)
    limit = (await first.hello())["limits"]["sockets"]["session"]
    sockets = [first, *[await alice.connect(headers=forwarded) for _ in range(limit - 2)]]
    allowed = await Stream.follow(alice, body)
    await allowed.hello()

    refused = await Stream.follow(alice, body)
    poll = await alice.post("/v1/sync", {**body, "wait_ms": 20_000})
    plain = await alice.post("/v1/sync", body)

    for answer in (refused.response, poll):
        assert (answer.status_code, answer.json()["code"]) == (429, "limit.sockets")
        assert answer.headers["retry-after"] == "10"
        assert answer.headers["ratelimit-policy"] == f'"sockets";q={limit}'
        assert answer.headers["ratelimit"] == '"sockets";r=0'
    assert plain.status_code == 200
    assert allowed.alive
    await sockets.pop().close()
    await allowed.close()
    assert (await alice.post("/v1/sync", {**body, "wait_ms": 1})).status_code == 200


async def test_a_late_server_refuses_new_streams_and_no_poll(
    alice: Account, here: ParleyServer, http: httpx.AsyncClient
) -> None:
    body = await cursors(alice)
    await http.get(f"{here.url}/_stall")

    refused = await Stream.follow(alice, body)
    poll = await alice.post("/v1/sync", {**body, "wait_ms": 1})

    problem = refused.response.json()
    assert (refused.response.status_code, problem["code"]) == (503, "unavailable")
    assert problem["retry_after_ms"] >= 1000
    assert poll.status_code == 200
    await until_admitted(alice)
