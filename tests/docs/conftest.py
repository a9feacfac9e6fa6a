"""One server for each file of these tests, on the stack of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.realtime.deployment import Deployment


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with Deployment(("daphne",)) as deployment:
        yield deployment
