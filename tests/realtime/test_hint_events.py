"""HINT_EVENTS=0: Redis sees no text, and other processes deliver as fast as a query is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from redis.asyncio import Redis

from tests.realtime.deployment import HAS_REDIS, Deployment
from tests.sockets import TLS, join_parley

pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="without Redis there are no hints")
TEXT = "a text that nobody else may read"


@pytest.fixture(scope="module")
def two() -> Iterator[Deployment]:
    with Deployment(["daphne", "daphne"], HINT_EVENTS="0") as deployment:
        yield deployment


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_no_text_passes_through_redis(two: Deployment, stack: AsyncExitStack) -> None:
    here, there = two.servers
    http = await stack.enter_async_context(httpx.AsyncClient(verify=TLS, trust_env=False, timeout=30))
    alice, bob = [await join_parley(here, http, stack, name) for name in ("alice", "bob")]
    room = await alice.make_room(bob)
    far = await bob.listen(room, server=there)
    redis = await stack.enter_async_context(Redis.from_url(here.environment["REDIS_URL"], protocol=2))
    listener = redis.pubsub()
    await listener.psubscribe(f"{here.environment['REDIS_PREFIX']}*")

    for number in range(5):
        await alice.post_message(room, f"{TEXT} {number}")
    await far.until_message(f"{TEXT} 4")

    assert far.texts() == [f"{TEXT} {number}" for number in range(5)]
    assert far.seqs(room["id"]) == list(range(2, 7))
    seen = []
    while (message := await listener.get_message(timeout=1.0)) is not None:
        seen.append(message["data"])
    hints = [
        each for each in seen if isinstance(each, bytes) and b'"type":"hint"' in each and room["id"].encode() in each
    ]
    assert hints
    assert TEXT.encode() not in b"".join(each for each in seen if isinstance(each, bytes))
    await listener.aclose()  # type: ignore[no-untyped-call]
