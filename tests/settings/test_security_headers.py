"""The security headers of every route, and of the answers that the server makes without the application."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import httpx
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from tests.servers import ParleyServer
from tests.services import free_port
from wire.asgi import render_problem
from wire.problems import Problem

HEADERS = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}
ID = "0199c7a5-3d2e-7c41-9a52-6f0d8e1b4c70"


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """Yield a path for every route, with an id in place of each part that varies."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield re.sub(r"<\w+:\w+>", ID, path)


ROUTES = [*routes(get_resolver().url_patterns), "/nothing", "/?token=x"]


def check(headers: httpx.Headers) -> None:
    assert set(headers) >= HEADERS
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    if "json" in headers.get("content-type", "json"):
        assert "script-src" not in policy


@pytest.mark.django_db
@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "TRACE"])
def test_every_route_has_the_headers(path: str, method: str) -> None:
    response = Client(raise_request_exception=False).generic(method, path)

    check(httpx.Headers(dict(response.items())))


def test_there_are_routes() -> None:
    assert len(ROUTES) > 40


def test_the_errors_of_the_server_have_the_headers() -> None:
    odd = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
        b"GET /livez?\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v1/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ]
    with ParleyServer() as server:
        for request in odd:
            check(answer_to(server.port, request))


def test_every_answer_of_the_metrics_port_has_the_headers() -> None:
    port = free_port()
    too_long = b"GET /metrics?".ljust(65_537, b"a")  # no byte more: the close would reset the connection
    with ParleyServer(env={"METRICS_TOKEN": "a-secret", "METRICS_PORT": str(port)}):
        url = f"http://127.0.0.1:{port}"
        answers = [
            httpx.get(f"{url}/metrics", headers={"Authorization": "Bearer a-secret"}, trust_env=False),
            httpx.get(f"{url}/metrics", trust_env=False),
            httpx.head(f"{url}/nothing", trust_env=False),
        ]
        refusal = answer_to(port, too_long)

    assert [each.status_code for each in answers] == [200, 401, 404]
    for headers in [*(each.headers for each in answers), refusal]:
        check(headers)


def answer_to(port: int, request: bytes) -> httpx.Headers:
    """Send bytes, and return the headers of the first answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp:
        tcp.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            more = tcp.recv(65_536)
            assert more, request[:60]
            received += more
    status, *lines = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    assert int(status.split()[1]) >= 400, request[:60]
    parts = [line.partition(": ") for line in lines]
    return httpx.Headers([(name, value) for name, _, value in parts])


def test_https_is_required_for_a_year_when_the_proxy_serves_it(settings: Settings) -> None:
    plain, _ = render_problem(Problem("unavailable"), "1", "")
    settings.SECURE_HSTS_SECONDS = 31_536_000

    headers, _ = render_problem(Problem("unavailable"), "1", "")
    response = Client().get("/livez")

    assert b"strict-transport-security" not in dict(plain)
    assert dict(headers)[b"strict-transport-security"] == b"max-age=31536000"
    assert response["Strict-Transport-Security"] == "max-age=31536000"
