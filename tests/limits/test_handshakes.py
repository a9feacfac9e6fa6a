"""Limits of websockets: handshakes of an address before any query, and open sockets of a session, user and address."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import orjson
import pytest
from websockets.exceptions import InvalidStatus

from tests.limits.small import SMALL
from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer
from tests.sockets import Account, Socket
from wire.descriptors import HELD_CONNECTIONS
from wire.limits import HELD_SECONDS

BAD = "prl_" + "x" * 43


async def handshake(server: ParleyServer, address: str, token: str) -> Socket | InvalidStatus:
    """Open a socket, or return the answer of HTTP that refused it."""
    try:
        return await Socket.open(f"{server.ws_url}/v1/ws", token=token, headers={"X-Forwarded-For": address})
    except InvalidStatus as refusal:
        return refusal


async def fail_until_refused(server: ParleyServer, address: str) -> Socket:
    """Open sockets with an invented token until one is refused for their number."""
    for _ in range(SMALL["handshake"][0]):
        socket = await handshake(server, address, BAD)
        assert isinstance(socket, Socket)
        if (await socket.end()).code == 4429:
            return socket
    raise AssertionError("every handshake was admitted")


@pytest.fixture(params=["daphne", "uvicorn"])
def either(request: pytest.FixtureRequest, limited: Deployment) -> ParleyServer:
    return limited.servers[0 if request.param == "daphne" else 2]


async def test_handshakes_over_the_limit_are_closed_with_the_time_to_wait(
    alice: Account, here: ParleyServer, address: str
) -> None:
    refused = await fail_until_refused(here, address)

    end = await refused.end()
    assert (end.code, end.reason) == (4429, "rate_limited")
    assert end.goodbye is not None
    assert 0 < end.goodbye["retry_after_ms"] <= SMALL["handshake"][1] * 1000
    await asyncio.sleep(end.goodbye["retry_after_ms"] / 1000)
    assert (await (await alice.connect(headers={"X-Forwarded-For": address})).call("ping")).status == 200


async def test_a_flood_of_handshakes_is_refused_in_http(either: ParleyServer, address: str) -> None:
    for _ in range(40):
        answer = await handshake(either, address, BAD)
        if isinstance(answer, InvalidStatus):
            break
        await answer.close()

    assert isinstance(answer, InvalidStatus)
    assert answer.response.status_code == 429
    assert answer.response.headers["RateLimit"].startswith('"handshake";r=0;t=')
    assert int(answer.response.headers["Retry-After"]) >= 1


async def raw(server: ParleyServer, *parts: bytes) -> tuple[int, bytes]:
    """Send bytes, each part after a moment, and return the status and all bytes of the answer up to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.05)
    async with asyncio.timeout(30):
        answer = await reader.read() if b"\r\nConnection: close\r\n" in b"".join(parts) else await reader.read(65_536)
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


def head(address: str, *lines: str) -> bytes:
    """Return the head of a handshake with an invented token."""
    upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Authorization: Bearer {BAD}"]
    start = ["GET /v1/ws HTTP/1.1", "Host: localhost", f"X-Forwarded-For: {address}"]
    return "\r\n".join([*start, *upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *lines, "", ""]).encode()


async def test_a_flood_is_refused_by_its_bytes_and_nothing_else_is(here: ParleyServer, address: str) -> None:
    async def flood(*parts: bytes) -> None:
        async with asyncio.timeout(60):
            while (await raw(here, *parts))[0] != 429:
                pass

    await flood(head(address))
    get = f"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\nConnection: close\r\n\r\n".encode()
    whole = head(address, "X-Request-ID: one-of-mine")

    answers = await asyncio.gather(*(raw(here, whole) for _ in range(30)))
    await flood(whole[:40], whole[40:])
    other_request = await raw(here, get)
    other_address = await raw(here, head("198.51.100.77"))

    refused = [answer for status, answer in answers if status == 429]
    assert len(refused) > 20  # the bucket earns some tokens meanwhile
    for answer in refused:
        fields, body = answer.split(b"\r\n\r\n")
        assert b"\r\nx-request-id: one-of-mine\r\n" in fields
        assert b"\r\ncontent-length: %d\r\n" % len(body) in fields
        assert orjson.loads(body)["request_id"] == "one-of-mine"
        assert orjson.loads(body)["code"] == "limit.handshake"
    assert (other_request[0], other_address[0]) == (200, 101)


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket ", " websocket"])
async def test_a_client_that_asks_again_at_once_waits_for_each_refusal(
    here: ParleyServer, address: str, upgrade: str
) -> None:
    """However it writes its handshake, and whether or not more clients wait than the server holds."""
    sent = head(address).replace(b"Upgrade: websocket", f"Upgrade:{upgrade}".encode())

    async def seconds_of_refusal() -> float | None:
        started = time.monotonic()
        status, _ = await raw(here, sent)
        return time.monotonic() - started if status == 429 else None

    while await seconds_of_refusal() is None:
        pass
    seconds = await asyncio.gather(*(seconds_of_refusal() for _ in range(2 * HELD_CONNECTIONS)))

    refused = [each for each in seconds if each is not None]
    assert len(refused) > HELD_CONNECTIONS
    assert sum(each > HELD_SECONDS for each in refused) >= HELD_CONNECTIONS // 2  # the bucket earns some tokens


async def test_other_addresses_are_not_refused(alice: Account, here: ParleyServer, address: str) -> None:
    await fail_until_refused(here, "198.51.100.9")

    assert (await (await alice.connect(headers={"X-Forwarded-For": address})).call("ping")).status == 200


async def test_a_session_has_a_limited_number_of_sockets(alice: Account, address: str) -> None:
    forwarded = {"X-Forwarded-For": address}
    first = await alice.connect(headers=forwarded)
    limit = (await first.hello())["limits"]["sockets"]["session"]
    sockets = [first, *[await alice.connect(headers=forwarded) for _ in range(limit - 1)]]

    one_more = await handshake(alice.server, address, alice.token)

    assert isinstance(one_more, Socket)
    end = await one_more.end()
    assert (end.code, end.reason) == (4429, "rate_limited")
    assert end.goodbye is not None
    assert end.goodbye["retry_after_ms"] > 0
    metrics = (await alice.http.get(f"{alice.server.url}/metrics")).text
    assert 'parley_refusals_total{code="limit.sockets"}' in metrics
    await sockets.pop().close()
    await until_admitted(alice, address)


async def until_admitted(who: Account, address: str) -> None:
    """Wait until the server has seen that a socket is closed."""
    async with asyncio.timeout(30):
        while True:
            socket: Any = await handshake(who.server, address, who.token)
            if (await socket.find(lambda frame: True))["action"] == "hello":
                await socket.close()
                return
            await asyncio.sleep(0.2)


async def test_requests_without_a_token_are_limited_and_probes_are_not(
    alice: Account, http: httpx.AsyncClient, here: ParleyServer, address: str
) -> None:
    anonymous = httpx.AsyncClient(trust_env=False, timeout=30, headers={"X-Forwarded-For": address})
    async with anonymous:
        await asyncio.gather(*(anonymous.get(f"{here.url}/v1/me") for _ in range(SMALL["anonymous"][0] + 5)))
        refused = await anonymous.get(f"{here.url}/v1/me")
        probe = await anonymous.get(f"{here.url}/livez")

    assert (refused.status_code, refused.json()["code"]) == (429, "limit.anonymous")
    assert probe.status_code == 200
    assert (await alice.get("/v1/me")).status_code == 200
