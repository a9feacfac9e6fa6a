"""Rules for every request: bodies, headers, URLs, failures."""

import gzip
import json
import re
from typing import Any

import pytest
from django.db import OperationalError
from django.test import AsyncClient
from pytest_django import Settings

from accounts import authentication, services
from accounts.models import User
from tests.clients import PASSWORD, Person, codes
from tests.identity.backends import Backend

KEYS = {"type", "title", "status", "detail", "code", "errors", "retryable", "retry_after_ms", "request_id"}
LOGIN = "/v1/auth/login"
BODY = {"username": "alice", "password": PASSWORD}


def assert_problem(response: Any, status: int, code: str) -> None:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert set(problem) == KEYS
    assert problem["type"] == f"/problems/{code}"
    assert problem["status"] == status
    assert problem["request_id"] == response["X-Request-ID"]


def test_the_request_id_is_returned(alice: Person) -> None:
    response = alice.request("GET", "/v1/me", headers={"X-Request-ID": "trace-1.a_B"})

    assert response["X-Request-ID"] == "trace-1.a_B"


@pytest.mark.parametrize("odd", ["", "with space", "a" * 129, "a\tb", "caf\u00e9", "<script>"])
def test_a_malformed_request_id_is_replaced(alice: Person, odd: str) -> None:
    response = alice.request("GET", "/v1/me", headers={"X-Request-ID": odd})

    assert re.fullmatch(r"[0-9a-f-]{36}", response["X-Request-ID"])


@pytest.mark.parametrize(
    "body",
    [
        b"{bad",
        b'{"username": "a", "username": "b"}',
        b'{"username": NaN}',
        b'{"username": "\\u0000"}',
        b'{"username": "\\ud800"}',
        b"[" * 10_000,
        b'{"username": ' + b"9" * 5_000 + b"}",
        b"\xff\xfe",
    ],
)
def test_dangerous_json_is_rejected(stranger: Person, body: bytes) -> None:
    assert_problem(stranger.post(LOGIN, body), 400, "json.invalid")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"])
def test_another_media_type_is_rejected(stranger: Person, kind: str) -> None:
    response = stranger.request("POST", LOGIN, BODY, content_type=kind)

    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_an_encoded_body_is_rejected_with_a_reason(alice: Person, stranger: Person, encoding: str) -> None:
    body = gzip.compress(json.dumps(BODY).encode())

    response = stranger.request("POST", LOGIN, body, headers={"Content-Encoding": encoding})

    assert_problem(response, 415, "unsupported_media_type")
    assert "Content-Encoding" in response.json()["detail"]
    assert stranger.request("POST", LOGIN, BODY, headers={"Content-Encoding": "identity"}).status_code == 200


def test_a_byte_order_mark_in_a_body_is_skipped(alice: Person, stranger: Person) -> None:
    assert stranger.post(LOGIN, b"\xef\xbb\xbf" + json.dumps(BODY).encode()).status_code == 200


@pytest.mark.parametrize("body", [b"[]", b'"s"', b"5", b"true"])
def test_a_body_that_is_no_object_is_rejected(alice: Person, stranger: Person, body: bytes) -> None:
    """It is so for bodies whose fields are all optional, and for those without fields, too."""
    backend = Backend()
    calls = [
        stranger.post(LOGIN, body),
        alice.patch("/v1/me", body),
        alice.post("/v1/sync", body),
        alice.post("/v1/auth/logout", body),
        backend.put("/v1/admin/users/42", body),
    ]

    for answer in calls:
        assert_problem(answer, 400, "request.invalid")
        assert set(codes(answer)) == {""}
    assert not User.objects.filter(external__external_id="42").exists()
    assert alice.get("/v1/me").status_code == 200


def test_a_body_of_null_is_an_empty_body(alice: Person, stranger: Person) -> None:
    assert codes(stranger.post(LOGIN, b"null")) == {"username": "required", "password": "required"}
    assert alice.post("/v1/auth/logout", b"null").status_code == 204


def test_a_charset_beside_the_media_type_is_accepted(alice: Person, stranger: Person) -> None:
    response = stranger.request("POST", LOGIN, BODY, content_type="application/json; charset=utf-8")

    assert response.status_code == 200


def test_a_body_of_more_than_256_kib_is_rejected(stranger: Person) -> None:
    assert_problem(stranger.post(LOGIN, b" " * (256 * 1024 + 1)), 413, "request.too_large")
    assert_problem(stranger.post(LOGIN, b" " * (256 * 1024)), 400, "json.invalid")


async def test_a_chunked_body_is_parsed(stranger: Person) -> None:
    response = await AsyncClient(raise_request_exception=False).generic(
        "POST", LOGIN, b"{bad", "application/json", headers={"Transfer-Encoding": "chunked"}
    )

    assert_problem(response, 400, "json.invalid")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
def test_a_client_that_accepts_no_json_gets_406_as_json(alice: Person, accept: str) -> None:
    assert_problem(alice.request("GET", "/v1/me", headers={"Accept": accept}), 406, "not_acceptable")


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/problem+json", "text/html, */*;q=0.1"])
def test_a_client_that_accepts_json_gets_json(alice: Person, accept: str) -> None:
    response = alice.request("GET", "/v1/me", headers={"Accept": accept})

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


def test_no_response_may_be_cached(alice: Person, stranger: Person) -> None:
    assert alice.get("/v1/me")["Cache-Control"] == "no-store"
    assert stranger.get("/v1/me")["Cache-Control"] == "no-store"
    assert stranger.post(LOGIN, BODY)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_wrong_method_is_rejected_with_the_allowed_ones(stranger: Person, method: str) -> None:
    response = stranger.request(method, LOGIN)

    assert_problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST"


@pytest.mark.parametrize("method", ["PUT", "TRACE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", ["/v1/users?q=a", "/v1/rooms?limit=x&limit=y", "/v1/me?nothing=1"])
def test_a_wrong_method_is_rejected_before_the_query(alice: Person, method: str, path: str) -> None:
    assert_problem(alice.request(method, path), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/v1/me/", "/v1/me"),
        ("/livez/", "/livez"),
        ("/docs/", "/docs"),
        (
            "/v1/rooms/01a20555-bb2e-7274-a477-cca023b9ccae/messages/",
            "/v1/rooms/01a20555-bb2e-7274-a477-cca023b9ccae/messages",
        ),
        ("/v1/ws/", "/v1/ws"),
        ("/ws/chat/lobby", "/ws/chat/lobby/"),
    ],
)
def test_a_wrong_slash_gets_404_with_the_right_path(alice: Person, path: str, right: str) -> None:
    response = alice.request("GET", path)

    assert_problem(response, 404, "not_found")
    assert response.json()["detail"].endswith(f" {right}.")


@pytest.mark.parametrize("path", ["/v1/ws", "/ws/chat/lobby/"])
def test_an_http_request_to_a_socket_path_gets_426(stranger: Person, path: str) -> None:
    response = stranger.get(path)

    assert_problem(response, 426, "upgrade_required")
    assert (response["Upgrade"], response["Connection"]) == ("websocket", "Upgrade")
    assert_problem(stranger.post(path), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/v1/me/", "/v1/%00", "/v1/%FF", "/v1/%ED%A0%80", "/a%0Ab"]
)
def test_an_unknown_path_is_a_problem(alice: Person, path: str) -> None:
    response = alice.request("GET", path)

    assert response.status_code in (400, 404)
    assert_problem(response, response.status_code, response.json()["code"])


@pytest.mark.parametrize("query", ["q=%00", "q=a%00b", "%00=1"])
def test_nul_in_a_query_is_rejected(alice: Person, query: str) -> None:
    assert_problem(alice.request("GET", f"/v1/users?{query}"), 400, "request.invalid")


@pytest.mark.parametrize("query", ["q=%ED%A0%80", "q=%FF", "q=%", "&&&=", "q[]=1", "q=a&" + "x=1&" * 1001])
def test_a_strange_query_does_not_crash(alice: Person, query: str) -> None:
    assert alice.request("GET", f"/v1/users?{query}").status_code in (200, 400)


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_a_token_in_a_url_is_rejected(alice: Person, stranger: Person, name: str) -> None:
    response = stranger.get("/v1/me", **{name: alice.token})

    assert_problem(response, 400, "request.invalid")
    assert codes(response) == {"token": "in_url"}
    assert alice.token not in response.content.decode()


def test_another_host_name_is_rejected(alice: Person, stranger: Person, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.com"]

    theirs, ours = {"Host": "evil.example.com"}, {"Host": "chat.example.com:8000"}

    assert_problem(alice.request("GET", "/v1/me", headers=theirs), 400, "request.invalid")
    assert_problem(stranger.request("POST", LOGIN, BODY, headers=theirs), 400, "request.invalid")
    assert alice.request("GET", "/v1/me", headers=ours).status_code == 200


def test_a_host_name_may_have_an_underscore(alice: Person, settings: Settings) -> None:
    """Names of containers may have one."""
    settings.ALLOWED_HOSTS = ["chat_server", ".my_net.example"]

    for host in ("chat_server:8000", "Chat_Server", "a.my_net.example"):
        assert alice.request("GET", "/v1/me", headers={"Host": host}).status_code == 200, host
    refused = alice.request("GET", "/v1/me", headers={"Host": "chat-server:8000"})
    assert_problem(refused, 400, "request.invalid")
    assert "ALLOWED_HOSTS" in refused.json()["detail"]


@pytest.mark.parametrize("host", ["a b", "a:b", "a/b", "_:_", "[::1", "a@b"])
def test_a_malformed_host_is_rejected_with_the_reason(alice: Person, settings: Settings, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    response = alice.request("GET", "/v1/me", headers={"Host": host})

    assert_problem(response, 400, "request.invalid")
    assert "ALLOWED_HOSTS" not in response.json()["detail"]


def test_an_unknown_parameter_is_rejected_by_name(alice: Person) -> None:
    response = alice.get("/v1/me", fields="id")

    assert_problem(response, 400, "request.invalid")
    assert codes(response) == {"fields": "unknown"}


def test_a_crash_exposes_nothing_and_is_logged(
    alice: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(**ignored: object) -> None:
        raise RuntimeError("the secret plan")

    monkeypatch.setattr(services, "log_out", crash)

    response = alice.post("/v1/auth/logout")

    assert_problem(response, 500, "internal")
    assert "secret" not in response.content.decode()
    assert "the secret plan" in caplog.text
    assert response["X-Request-ID"] in caplog.text


def test_a_crash_outside_the_views_is_a_problem(
    alice: Person, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ROOT_URLCONF = "tests.wire.crashing_urls"

    assert_problem(alice.get("/crash"), 500, "internal")
    assert_problem(alice.get("/suspicious"), 400, "request.invalid")
    settings.DEBUG = True
    assert_problem(alice.get("/crash"), 500, "internal")
    assert_problem(alice.get("/nothing"), 404, "not_found")


def test_an_unreachable_database_gives_a_retryable_503(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(token: str) -> None:
        raise OperationalError("connection refused at 10.0.0.7")

    monkeypatch.setattr(authentication, "find_session", unreachable)

    response = alice.get("/v1/me")

    assert_problem(response, 503, "unavailable")
    assert response["Retry-After"] == "1"
    assert (response.json()["retryable"], response.json()["retry_after_ms"]) == (True, 1000)
    assert "10.0.0.7" not in response.content.decode()


async def test_the_async_stack_gives_the_same_problems(db: None) -> None:
    client = AsyncClient(raise_request_exception=False)

    missing = await client.get("/v1/nothing", headers={"X-Request-ID": "async-1"})
    in_url = await client.get("/v1/me?token=x")

    assert json.loads(missing.content)["code"] == "not_found"
    assert missing["X-Request-ID"] == "async-1"
    assert in_url.status_code == 400
