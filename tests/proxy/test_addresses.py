"""The client's address and scheme in forwarded headers: only a trusted proxy can set them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.proxy.proxy import Proxy
from tests.proxy.upstream import Upstream

FORGED = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example.com"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def forwarded(upstream: Upstream, trusted: str = "") -> dict[str, str]:
    """Send a request with forged headers, and return the headers that the server received."""
    with Proxy([upstream.port], trusted=trusted) as proxy:
        upstream.seen.clear()
        httpx.get(f"{proxy.url}/v1/me", headers=FORGED, timeout=30).raise_for_status()
    (seen,) = upstream.seen
    return seen


def test_the_proxy_forwards_the_clients_address(upstream: Upstream) -> None:
    seen = forwarded(upstream)

    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"


@pytest.mark.parametrize("trusted", ["127.0.0.1", "192.0.2.0/24,127.0.0.0/8", "192.0.2.0/24, fd00::/8 127.0.0.1"])
def test_the_proxy_keeps_the_headers_of_a_trusted_proxy(upstream: Upstream, trusted: str) -> None:
    seen = forwarded(upstream, trusted)

    assert seen["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"


def test_the_proxy_replaces_the_headers_of_another_proxy(upstream: Upstream) -> None:
    seen = forwarded(upstream, "192.0.2.0/24")

    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
