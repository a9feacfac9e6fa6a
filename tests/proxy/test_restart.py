"""A rolling restart while clients send and listen."""

from __future__ import annotations

import json

from tests.proxy.load import Load
from tests.proxy.proxy import Proxy
from tests.servers import ParleyServer
from tests.services import wait_until


def selected(proxy: Proxy, server: ParleyServer) -> int:
    """Count how often the proxy has selected this server, by its debug log."""
    dial = json.dumps(f"127.0.0.1:{server.port}")
    return sum('"selected upstream"' in line and dial in line for line in proxy.logs.splitlines())


def test_a_rolling_restart_fails_no_send_and_loses_nothing(proxy: Proxy, servers: list[ParleyServer]) -> None:
    with Load(proxy.url) as load:
        for server in servers:
            server.restart()
            before = selected(proxy, server)
            wait_until(lambda: selected(proxy, server) > before, seconds=30, what="the proxy does not use it again")  # noqa: B023
            load.wait_for(20)

    assert load.failures == {}
    assert (load.lost, load.doubles) == (0, 0)
