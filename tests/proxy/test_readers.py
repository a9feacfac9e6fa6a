"""A client that stops reading is cut; a socket is not."""

from __future__ import annotations

import time

from tests.proxy.people import Sender
from tests.proxy.proxy import Proxy
from tests.proxy.raw import connect, head
from tests.proxy.upstream import Upstream
from tests.servers import ParleyServer
from tests.sockets import Socket

WRITE_SECONDS = 1
CHANGES = {"write 65m": f"write {WRITE_SECONDS}s"}


def test_a_client_that_stops_reading_is_cut() -> None:
    with Upstream() as upstream, Proxy([upstream.port], changes=CHANGES) as proxy, connect(proxy.port) as client:
        client.sendall(head("GET /endless"))

        assert upstream.cut.wait(30)


async def test_a_socket_stays_open_beyond_the_deadline_for_responses(
    servers: list[ParleyServer], sender: Sender
) -> None:
    with Proxy([server.port for server in servers], changes=CHANGES) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}/v1/ws"
        socket = await Socket.open(url, token=sender.token, by="subprotocol")
        await socket.call("ping")
        opened = time.monotonic()

        while time.monotonic() < opened + 2 * WRITE_SECONDS:  # the duration is under test
            reply = await socket.call("ping")
            assert reply.status == 200

        await socket.close()
