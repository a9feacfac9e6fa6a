"""One server for each file of these tests, on the stack of the run, and one room for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docs.devices import Room
from tests.realtime.deployment import Deployment


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with Deployment(("daphne",)) as deployment:
        yield deployment


@pytest.fixture
def room(deployment: Deployment) -> Iterator[Room]:
    room = Room(deployment.servers[0].url)
    yield room
    room.http.close()
