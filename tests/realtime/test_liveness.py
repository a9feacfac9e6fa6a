"""A client that no longer answers is closed, and a restart sends each client the time to reconnect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from tests.realtime.deployment import Deployment
from tests.realtime.server.served import RawSocket
from tests.recording import record
from tests.servers import ParleyServer
from tests.sockets import TLS, Account, join_parley

HASTE = {"WS_PING_INTERVAL_SECONDS": "1", "WS_PING_TIMEOUT_SECONDS": "2", "WS_STALL_SECONDS": "2"}


@pytest.fixture(scope="module")
def hasty() -> Iterator[ParleyServer]:
    """A server that soon loses patience."""
    with Deployment(("daphne",), **HASTE) as deployment:
        yield deployment.servers[0]


@pytest.fixture
async def guest(hasty: ParleyServer) -> AsyncIterator[Account]:
    async with AsyncExitStack() as stack, httpx.AsyncClient(verify=TLS, trust_env=False) as http:
        yield await join_parley(hasty, http, stack, "guest")


def test_a_client_without_pongs_is_closed(hasty: ParleyServer) -> None:
    with RawSocket(hasty.port, "/v1/ws") as socket:
        goodbye, code, reason = socket.read_end()

    record("closed", "socket", {"code": code, "reason": reason})
    assert goodbye == {
        "action": "goodbye",
        "data": {"code": 4004, "reason": "heartbeat", "reconnect": True, "retry_after_ms": None},
    }
    assert (code, reason) == (4004, "heartbeat")


async def test_a_restart_sends_the_time_to_reconnect(hasty: ParleyServer, guest: Account) -> None:
    sockets = [await guest.connect() for _ in range(20)]

    hasty.stop()

    ends = [await socket.end() for socket in sockets]
    assert {(end.code, end.reason) for end in ends} == {(1012, "restart")}
    waits = [_wait(end.goodbye) for end in ends]
    assert len(set(waits)) > 1  # spread, so that they do not all come back at once


def _wait(goodbye: dict[str, Any] | None) -> int:
    assert goodbye is not None
    assert goodbye["reconnect"]
    wait: int = goodbye["retry_after_ms"]
    return wait
