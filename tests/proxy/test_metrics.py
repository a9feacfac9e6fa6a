"""The proxy shows the metrics of its servers to nobody."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from tests.proxy.proxy import Proxy
from tests.servers import ParleyServer


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/./metrics", "/METRICS"])
def test_the_metrics_cannot_be_reached_through_the_proxy(proxy: Proxy, servers: list[ParleyServer], path: str) -> None:
    with urllib.request.urlopen(f"{servers[0].url}/metrics", timeout=10) as response:
        direct = response.read()

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{proxy.url}{path}", timeout=10)
    with refused.value as error:
        answer = error.read()

    assert b"parley_sockets" in direct
    assert (error.code, b"parley_sockets" in answer) == (404, False)
