"""manage.py doctor --url: a running server behind a proxy that does one thing wrong"""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from realtime.doctor import Level
from realtime.doctor.server import examine_server
from tests import services
from tests.servers import ParleyServer
from tests.services import wait_until
from tests.settings.scrapes import metrics_of, total

HOST = "127.0.0.2"  # a name that the server does not know


@contextmanager
def proxy(port: int, drop: bytes = b"", host: bytes = b"", forwarded: bytes = b"") -> Iterator[str]:
    """A proxy on another address, which drops a header, changes the host or writes X-Forwarded-For."""
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                head = client.recv(65_536)
                if drop:
                    head = re.sub(rb"(?im)^" + drop + rb":[^\n]*\n", b"", head)
                if host:
                    head = re.sub(rb"(?im)^host:[^\r]*", b"Host: " + host, head)
                if forwarded:
                    head = head.replace(b"\r\n", b"\r\nX-Forwarded-For: " + forwarded + b"\r\n", 1)
                server.sendall(head)
                server.settimeout(2)
                with suppress(OSError):
                    client.sendall(server.recv(65_536))
                    client.sendall(server.recv(65_536))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        listener.close()


def errors(url: str | None) -> dict[str, Level]:
    return {finding.code: finding.level for finding in examine_server(url)}


def test_a_server_and_the_faults_of_its_proxy(settings: Any) -> None:
    redis = services.start_redis()
    with ParleyServer(redis_url=redis.url, env={"DRAIN_SECONDS": "5"}) as server:
        assert errors(server.url) == {}
        with proxy(server.port, host=b"localhost") as url:
            assert errors(url) == {}
        with proxy(server.port) as url:
            assert errors(url) == {"proxy.host": Level.ERROR}
        with proxy(server.port, drop=b"upgrade", host=b"localhost") as url:
            assert errors(url) == {"proxy.upgrade": Level.ERROR}
        settings.HTTPS = True
        assert errors(server.url) == {"proxy.https": Level.ERROR}
        settings.HTTPS = False

        redis.kill()
        assert errors(server.url) == {"server.degraded": Level.WARNING}
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: not server.ready(), seconds=30, what="still ready")
        assert errors(server.url).get("server.not_ready") == Level.ERROR


def test_a_proxy_whose_forwarded_header_is_ignored_or_missing() -> None:
    with ParleyServer() as server, proxy(server.port, host=b"localhost", forwarded=b"203.0.113.9") as url:
        assert errors(url) == {"proxy.forwarded": Level.WARNING}
        assert total(metrics_of(server), "parley_forwarded_ignored_total") > 0
    with ParleyServer(env={"TRUSTED_PROXIES": "127.0.0.1", "ALLOWED_HOSTS": "localhost"}) as server:
        with proxy(server.port, host=b"localhost", forwarded=b"203.0.113.9") as url:
            assert errors(url) == {}
        with proxy(server.port, host=b"localhost") as url:
            assert errors(url) == {"proxy.forwarded": Level.WARNING}


def test_nothing_and_something_else_at_the_address(settings: Any) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>It works!</html>")

        def log_message(self, *arguments: Any) -> None:
            """Write nothing."""

    settings.PORT = services.free_port()
    assert errors(None) == {"server.unreachable": Level.WARNING}
    assert errors(f"http://127.0.0.1:{settings.PORT}") == {"server.unreachable": Level.ERROR}
    assert errors("chat.example.com") == {"server.unreachable": Level.ERROR}
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        found = errors(f"http://127.0.0.1:{other.server_port}")
        other.shutdown()

    assert found["server.foreign"] == Level.ERROR


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    settings.HTTPS = False
