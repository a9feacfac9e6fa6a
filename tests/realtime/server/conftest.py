"""Two servers for most tests: one with the ordinary limits, one that soon loses patience."""

from collections.abc import Iterator

import pytest

from tests.realtime.server.served import Served


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    errors = tmp_path_factory.mktemp("calm") / "errors"
    with Served(errors, handshake=0.4, request=0.6, short_close_timeout=1.0, cancel=0.4) as served:
        yield served
    assert "inside the server" not in errors.read_text()


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    errors = tmp_path_factory.mktemp("hasty") / "errors"
    with Served(
        errors, ping_interval=0.3, ping_timeout=0.3, stall=0.6, short_close_timeout=0.3, close_timeout=0.6
    ) as served:
        yield served
    assert "inside the server" not in errors.read_text()
