"""One deployment for the whole suite: two server processes, a daphne and a uvicorn, on one database and one Redis.

`here` is the process of a test's users, and `there` is the other process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from settings.test import TEST_STACK
from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer
from tests.sockets import TLS, Account, join_parley


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    with Deployment(("daphne", "uvicorn")) as deployment:
        yield deployment


# The difference between the servers does not depend on the database: each is tested on one, and both in both stacks.
SERVERS = ["uvicorn"] if TEST_STACK == "sqlite" else ["daphne"]


@pytest.fixture(scope="session", params=SERVERS)
def here(request: pytest.FixtureRequest, deployment: Deployment) -> ParleyServer:
    return deployment.servers[0 if request.param == "daphne" else 1]


@pytest.fixture
def there(here: ParleyServer, deployment: Deployment) -> ParleyServer:
    return next(server for server in deployment.servers if server is not here)


@pytest.fixture
def daphne(deployment: Deployment) -> ParleyServer:
    """The process of our own server, for promises that only it makes."""
    return deployment.servers[0]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def http(stack: AsyncExitStack) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=20))


@pytest.fixture
async def alice(here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack) -> Account:
    return await join_parley(here, http, stack, "alice")


@pytest.fixture
async def bob(here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack) -> Account:
    return await join_parley(here, http, stack, "bob")


@pytest.fixture
async def charlie(here: ParleyServer, http: httpx.AsyncClient, stack: AsyncExitStack) -> Account:
    return await join_parley(here, http, stack, "charlie")
