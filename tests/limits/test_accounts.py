"""The limits of log-ins, registrations and passwords: by address and account, over all processes, without Redis too."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from tests.limits.conftest import LIMITED
from tests.limits.small import SMALL
from tests.limits.test_calls import check_headers
from tests.realtime.deployment import HAS_REDIS, Deployment
from tests.servers import ParleyServer
from tests.services import start_redis
from tests.sockets import PASSWORD, Account, rest

shared = pytest.mark.skipif(not HAS_REDIS, reason="processes share their counts through Redis")


async def log_in(http: httpx.AsyncClient, server: ParleyServer, name: str, password: str = PASSWORD) -> httpx.Response:
    return await rest(http, server, "POST", "/v1/auth/login", {"username": name, "password": password})


async def register(http: httpx.AsyncClient, server: ParleyServer) -> httpx.Response:
    body = {"username": f"new-{uuid4().hex[:12]}", "password": PASSWORD}
    return await rest(http, server, "POST", "/v1/auth/register", body)


async def test_the_registrations_of_an_address_are_limited(http: httpx.AsyncClient, here: ParleyServer) -> None:
    answers = [await register(http, here) for _ in range(SMALL["register"][0] + 1)]

    assert [answer.status_code for answer in answers] == [*[201] * SMALL["register"][0], 429]
    check_headers(answers[-1], "register")


async def test_right_and_wrong_log_ins_of_an_address_are_limited(http: httpx.AsyncClient, here: ParleyServer) -> None:
    answers = [await log_in(http, here, f"nobody-{number}") for number in range(SMALL["hash"][0] + 1)]

    assert [answer.status_code for answer in answers] == [*[401] * SMALL["hash"][0], 429]
    check_headers(answers[-1], "hash")


async def test_an_account_that_is_known_at_an_address_is_not_locked_out_by_a_stranger_there(
    alice: Account, here: ParleyServer
) -> None:
    for number in range(SMALL["hash"][0] + 1):
        await log_in(alice.http, here, f"nobody-{number}")

    assert (await log_in(alice.http, here, "nobody")).status_code == 429
    assert (await log_in(alice.http, here, alice.username)).status_code == 200


async def test_a_forged_header_changes_nothing(http: httpx.AsyncClient, here: ParleyServer, address: str) -> None:
    """The proxy appends the address that it sees; the client chooses only what stands before it."""
    statuses = []
    for number in range(SMALL["hash"][0] + 1):
        http.headers["X-Forwarded-For"] = f"198.51.100.{number}, {address}"
        statuses.append((await log_in(http, here, f"nobody-{number}")).status_code)

    assert statuses[-1] == 429


async def test_the_addresses_of_a_network_of_ipv6_share_a_limit(http: httpx.AsyncClient, here: ParleyServer) -> None:
    network = f"2001:db8:{uuid4().hex[:4]}:1"
    statuses = []
    for number in range(SMALL["hash"][0] + 1):
        http.headers["X-Forwarded-For"] = f"{network}::{number:x}"
        statuses.append((await log_in(http, here, f"nobody-{number}")).status_code)

    http.headers["X-Forwarded-For"] = f"{network[:-1]}2::1"
    assert statuses[-1] == 429
    assert (await log_in(http, here, "nobody")).status_code == 401


async def test_the_uses_of_a_password_by_its_account_are_limited(alice: Account) -> None:
    bodies = [{"old": f"wrong {number}", "new": "another fine phrase"} for number in range(11)]
    answers = [await alice.post("/v1/auth/password", body) for body in bodies]

    assert [answer.status_code for answer in answers] == [*[403] * 10, 429]
    assert answers[-1].json()["code"] in ("limit.password", "limit.login")
    assert (await alice.get("/v1/me")).status_code == 200


@shared
async def test_processes_share_the_limit_of_an_address(
    http: httpx.AsyncClient, here: ParleyServer, there: ParleyServer
) -> None:
    limit = SMALL["hash"][0]
    statuses = [(await log_in(http, [here, there][number % 2], f"no-{number}")).status_code for number in range(limit)]

    refused = [await log_in(http, server, "nobody") for server in (here, there)]

    assert statuses == [401] * limit
    assert [answer.status_code for answer in refused] == [429, 429]
    for answer in refused:
        check_headers(answer, "hash")


@shared
async def test_processes_share_the_wrong_passwords_of_an_account(
    alice: Account, here: ParleyServer, there: ParleyServer
) -> None:
    guesses = [(await guess(alice, [here, there][number % 2], number)).status_code for number in range(10)]

    refused = [await guess(alice, server, 0) for server in (here, there)]

    assert guesses == [401] * 10
    assert [answer.json()["code"] for answer in refused] == ["limit.login"] * 2


async def guess(who: Account, server: ParleyServer, number: int) -> httpx.Response:
    return await log_in(who.http, server, who.username, f"wrong horse {number}")


async def use_up(http: httpx.AsyncClient, server: ParleyServer) -> list[int]:
    return [(await log_in(http, server, f"nobody-{number}")).status_code for number in range(SMALL["hash"][0] + 1)]


@shared
async def test_a_process_counts_alone_while_redis_is_frozen_or_away(http: httpx.AsyncClient) -> None:
    expected = [*[401] * SMALL["hash"][0], 429]
    valkey = start_redis()
    try:
        with Deployment(("daphne",), **LIMITED, REDIS_URL=valkey.url) as deployment:
            here = deployment.servers[0]
            http.headers["X-Forwarded-For"] = "198.51.100.1"
            with_redis = await use_up(http, here)
            valkey.pause()
            http.headers["X-Forwarded-For"] = "198.51.100.2"
            frozen = await use_up(http, here)
            valkey.kill()
            http.headers["X-Forwarded-For"] = "198.51.100.3"
            away = await use_up(http, here)
    finally:
        valkey.stop()

    assert with_redis == frozen == away == expected
