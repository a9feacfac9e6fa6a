"""One server for the tests that the contracts generate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.world import World
from tests.realtime.deployment import Deployment


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Deployment(["daphne"]) as deployment:
        world = World(deployment.servers[0])
        yield world
        world.close()
