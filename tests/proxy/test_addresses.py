"""The client's address and scheme on their way to the server: nobody but a trusted proxy can write them."""

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
    """What the server gets of a request with forged headers."""
    with Proxy([upstream.port], trusted=trusted) as proxy:
        upstream.seen.clear()
        httpx.get(f"{proxy.url}/v1/me", headers=FORGED, timeout=30).raise_for_status()
    (seen,) = upstream.seen
    return seen


def test_the_clients_address_is_handed_on(upstream: Upstream) -> None:
    seen = forwarded(upstream)

    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"


@pytest.mark.parametrize("trusted", ["127.0.0.1", "192.0.2.0/24,127.0.0.0/8", "192.0.2.0/24, fd00::/8 127.0.0.1"])
def test_a_trusted_proxy_in_front_is_believed(upstream: Upstream, trusted: str) -> None:
    seen = forwarded(upstream, trusted)

    assert seen["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"


def test_another_proxy_is_not_believed(upstream: Upstream) -> None:
    seen = forwarded(upstream, "192.0.2.0/24")

    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
