"""A deployment of the folds' own: two processes, a daphne and a uvicorn, on one database and one Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.fold.world import NAMES
from tests.realtime.deployment import HAS_REDIS, Deployment
from tests.servers import ParleyServer
from tests.sockets import TLS


@pytest.fixture(scope="package")
def deployment() -> Iterator[Deployment]:
    with Deployment(("daphne", "uvicorn")) as deployment:
        yield deployment


@pytest.fixture
def servers(deployment: Deployment, request: pytest.FixtureRequest) -> dict[str, ParleyServer]:
    """The server of each person: both processes; one of them without Redis, where crossing costs a second a story.

    Which one goes by the test's name, so that both have their share.
    """
    turn = sum(request.node.name.encode())
    steps = range(len(NAMES)) if HAS_REDIS else [0] * len(NAMES)
    return {name: deployment.servers[(turn + step) % 2] for name, step in zip(NAMES, steps, strict=True)}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def http(stack: AsyncExitStack) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=20))
