"""People at live servers, for the tests that need requests as well as settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.servers import ParleyServer
from tests.sockets import TLS, Account, join_parley

Join = Callable[[ParleyServer, str], Awaitable[Account]]


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """Register a user at a server; all that they open is closed with the test."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=30))
        yield lambda server, name: join_parley(server, http, stack, name)
