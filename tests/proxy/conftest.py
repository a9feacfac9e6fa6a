"""Two servers on one database behind the proxy of compose.yaml, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.packaging.compose_file import environment
from tests.proxy.people import Sender, register
from tests.proxy.proxy import DEBUG_LOG, Proxy
from tests.realtime.deployment import Deployment
from tests.servers import ParleyServer

REQUEST_SECONDS = 2  # of a server under test; the proxy's own deadline for a body stays 60 s


@pytest.fixture(scope="package")
def servers() -> Iterator[list[ParleyServer]]:
    """The two servers, which cut a request off after two seconds instead of thirty."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.proxy.settings",
        "TEST_REQUEST_SECONDS": str(REQUEST_SECONDS),
        "DRAIN_SECONDS": environment("web")["DRAIN_SECONDS"],
    }
    with Deployment(("daphne", "daphne"), **settings) as deployment:
        yield deployment.servers


@pytest.fixture(scope="package")
def proxy(servers: list[ParleyServer]) -> Iterator[Proxy]:
    """The proxy as shipped, except that its log has every request."""
    with Proxy([server.port for server in servers], changes=DEBUG_LOG) as proxy:
        yield proxy


@pytest.fixture(scope="package")
def sender(proxy: Proxy) -> Sender:
    return register(proxy.url)
