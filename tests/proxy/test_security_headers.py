"""The proxy's own answers have the security headers of the servers."""

from __future__ import annotations

import pytest

from tests.proxy.proxy import Proxy
from tests.proxy.raw import exchange, head
from tests.proxy.test_bodies import MALFORMED
from wire.security import security_headers


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head("GET /proxy-health"), 200),
        (head("GET /metrics"), 404),
        (MALFORMED, 400),
    ],
    ids=["health", "metrics", "error"],
)
def test_the_answers_of_the_proxy_have_the_headers(proxy: Proxy, request_head: bytes, status: int) -> None:
    answer = exchange(proxy.port, request_head)

    assert answer.status == status
    assert answer.headers.items() >= {name.lower(): value for name, value in security_headers().items()}.items()
