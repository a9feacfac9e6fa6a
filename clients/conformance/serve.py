"""`python -m clients.conformance.serve`: `manage.py serve` behind a proxy with faults, for the tests of an app.

It takes the variables of `serve`: HOST and PORT are those of the proxy. The switches listen on the port after PORT, or
on CONTROL_PORT, on loopback.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from clients.conformance.control import Control
from clients.conformance.proxy import FaultProxy
from tests.servers import ParleyServer


class AppServer(ParleyServer):
    """The server with the variables of this program. It is no ParleyServer of the tests, which quiets its log."""

    def __init__(self) -> None:
        super().__init__(os.environ.get("DATABASE_URL") or "of manage.py serve")
        behind = {"HOST": "127.0.0.1", "PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        self.environment = dict(os.environ) | behind


async def serve() -> None:
    """Serve until SIGINT or SIGTERM. Raises ServiceMissing, with the server's log, when it does not start."""
    host, port = os.environ.get("HOST") or "127.0.0.1", int(os.environ.get("PORT") or 8000)
    server = AppServer()
    await asyncio.to_thread(server.start)
    try:
        proxy = await FaultProxy("app", server.port, port, host=host).start()
        control = Control(proxy, server, int(os.environ.get("CONTROL_PORT") or port + 1))
        control.start()
        print(f"Parley with faults: {proxy.url}", f"switches: http://127.0.0.1:{control.port}", sep="\n", flush=True)
        print(f"log of the server: {server.log}", flush=True)
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        await ended.wait()
        control.stop()
        await proxy.stop()
    finally:
        await asyncio.to_thread(server.stop)


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
