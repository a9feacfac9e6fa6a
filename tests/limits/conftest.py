"""Three servers with rate limits, on one database and, on the PostgreSQL stack, one Redis. Each test has an address."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer
from tests.sockets import TLS, Account, join_parley

LIMITED = {
    "DJANGO_SETTINGS_MODULE": "tests.limits.settings",
    "RATE_LIMITS": "1",
    "TRUSTED_PROXIES": "127.0.0.1",
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def limited() -> Iterator[Deployment]:
    with Deployment(("daphne", "daphne", "uvicorn"), **LIMITED) as deployment:
        yield deployment


@pytest.fixture
def here(limited: Deployment) -> ParleyServer:
    return limited.servers[0]


@pytest.fixture
def there(limited: Deployment) -> ParleyServer:
    return limited.servers[1]


@pytest.fixture
def address() -> str:
    """The address of the test's users: no other test has used up its limits."""
    number = next(_numbers)
    return f"203.0.{number // 250}.{number % 250 + 1}"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def http(stack: AsyncExitStack, address: str) -> httpx.AsyncClient:
    headers = {"X-Forwarded-For": address}
    return await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=30, headers=headers))


@pytest.fixture
async def alice(here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack) -> Account:
    return await join_parley(here, http, stack, "alice")


@pytest.fixture
async def bob(here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack) -> Account:
    return await join_parley(here, http, stack, "bob")
