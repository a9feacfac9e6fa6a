"""No server is ready: the proxy's own answers, and its log."""

from __future__ import annotations

import httpx
import pytest

from tests.proxy.proxy import DEBUG_LOG, Proxy
from tests.proxy.raw import exchange, head
from tests.services import free_port
from wire.problems import Problem

SECRET = "prl_J2-1GBOC1IE84cNQrsag4IQxL3ZfNt187NvsjCQiFqY"
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.mark.parametrize(
    ("path", "carrier"),
    [
        ("/v1/ws", f"Sec-WebSocket-Protocol: chat.v1, bearer.{SECRET}"),
        ("/v1/ws", f"Authorization: Bearer {SECRET}"),
        ("/v1/ws", f"X-Api-Key: {SECRET}"),
        ("/v1/ws", f"Cookie: token={SECRET}"),
        (f"/v1/ws?token={SECRET}", "X-Nothing: 1"),
    ],
    ids=["subprotocol", "authorization", "own header", "cookie", "query"],
)
def test_a_handshake_without_a_server_writes_no_token_to_the_log(path: str, carrier: str) -> None:
    with Proxy([free_port()], changes={**DEBUG_LOG, "lb_try_duration 5s": "lb_try_duration 200ms"}) as proxy:
        answer = exchange(proxy.port, head(f"GET {path}", *HANDSHAKE, carrier))

        assert (answer.status, answer.problem["code"]) == (503, "unavailable")
        assert '"/v1/ws' in proxy.logs
        assert SECRET not in proxy.logs


def test_without_a_server_the_proxy_gives_a_problem_that_other_origins_can_read() -> None:
    with Proxy([free_port()]) as proxy:
        headers = {"Origin": "https://app.example.com", "X-Request-ID": "mine-1"}
        response = httpx.post(f"{proxy.url}/v1/auth/login", json={}, headers=headers, timeout=30)

    assert response.json() == Problem("unavailable").as_dict("mine-1")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Request-ID"] == "mine-1"
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]
    assert "Server" not in response.headers


def test_the_proxy_replaces_a_request_id_that_could_break_the_document() -> None:
    with Proxy([free_port()]) as proxy:
        headers = {"X-Request-ID": 'a","status":200,"b":"{http.request.header.authorization}'}
        response = httpx.post(f"{proxy.url}/v1/auth/login", json={}, headers=headers, timeout=30)

    assert response.json() == Problem("unavailable").as_dict(response.headers["X-Request-ID"])
    assert "status" not in response.headers["X-Request-ID"]
