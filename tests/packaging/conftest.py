"""The PostgreSQL of compose.yaml, made for each test that changes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.cluster import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.server.stop()
