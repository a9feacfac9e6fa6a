"""The HTTP side of the server: bounded bodies, deadlines, and problems instead of error pages."""

import json
import socket
import time
from pathlib import Path

import httpx
import pytest

from realtime.server.limits import Limits
from tests.realtime.server.served import ORIGIN, Served, read_all
from tests.services import wait_until


def url(served: Served, path: str) -> str:
    return f"http://127.0.0.1:{served.port}{path}"


def test_it_works(calm: Served) -> None:
    response = httpx.post(url(calm, "/upload"), content=b"x" * 262_144)

    assert (response.status_code, response.text) == (200, "262144")
    assert "server" not in response.headers


@pytest.mark.parametrize("length", [b"Content-Length: 1000000000", b"Transfer-Encoding: chunked"])
def test_a_large_body_is_refused_early(calm: Served, length: bytes) -> None:
    with calm.tcp() as tcp:
        tcp.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")
        chunk = b"x" * 65_536
        for _ in range(40):
            tcp.sendall(b"10000\r\n" + chunk + b"\r\n" if b"chunked" in length else chunk)
        answer = b""
        while more := tcp.recv(65_536):
            answer += more

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["code"] == "request.too_large"


def test_a_large_body_gets_no_100_continue(calm: Served) -> None:
    with calm.tcp() as tcp:
        tcp.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n")

        assert tcp.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("beginning", "answer"),
    [
        (b"", b""),
        (b"GET /upload HTTP/1.1\r\nHost: loc", b"HTTP/1.1 400 "),
        (b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n", b"HTTP/1.1 400 "),
    ],
    ids=["nothing", "headers", "body"],
)
def test_a_request_that_arrives_too_slowly_is_refused(calm: Served, beginning: bytes, answer: bytes) -> None:
    began, received = time.monotonic(), b""
    with calm.tcp() as tcp:
        tcp.sendall(beginning)
        tcp.settimeout(0.1)
        while time.monotonic() - began < 10:
            try:
                if beginning and not received:
                    tcp.sendall(b"x")
                if not (more := tcp.recv(65_536)):
                    break
                received += more
            except TimeoutError:
                continue
            except ConnectionError:
                break

    assert time.monotonic() - began < 3
    assert received.startswith(answer)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "request.invalid"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "request.invalid"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 413, "request.too_large"),
    ],
    ids=["request line", "header", "long header"],
)
def test_malformed_http_gets_a_problem(calm: Served, request_: bytes, status: int, code: str) -> None:
    with calm.tcp() as tcp:
        tcp.sendall(request_)
        answer = b""
        while more := tcp.recv(65_536):
            answer += more

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body)["code"] == code


def test_a_download_that_the_client_does_not_read_is_aborted(hasty: Served) -> None:
    tag = hasty.tag()
    before = hasty.memory()
    with hasty.tcp() as tcp:
        tcp.sendall(b"GET /download?%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % tag.encode())

        assert hasty.told(tag)["error"] == "Disconnected"
        assert hasty.memory() - before <= 2 * 1024 * 1024


def test_an_idle_connection_can_be_reused(calm: Served) -> None:
    with httpx.Client() as client:
        first = client.get(url(calm, "/upload"))
        time.sleep(0.8)  # longer than the deadline of a request: idleness is what is tested
        second = client.get(url(calm, "/upload"))

    assert (first.status_code, second.status_code) == (200, 200)


def test_an_application_that_raises_leaves_a_problem(calm: Served) -> None:
    response = httpx.get(url(calm, "/broken"), headers={"X-Request-ID": "r1"})

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.json()["code"], response.json()["request_id"]) == ("internal", "r1")


@pytest.mark.parametrize(("path", "status"), [("/parts", b"200"), ("/empty", b"204"), ("/broken", b"500")])
def test_a_response_to_head_has_no_body_bytes(calm: Served, path: str, status: bytes) -> None:
    head = f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    answer = calm.exchange(head + b"GET /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    first, second, body = answer.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 " + status)
    assert second.startswith(b"HTTP/1.1 200 ")
    assert body == b"0"


def test_a_status_without_body_has_no_body_bytes(calm: Served) -> None:
    answer = calm.exchange(b"GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    assert answer.endswith(b"\r\n\r\n")


def test_a_refused_head_request_has_no_body_bytes(calm: Served) -> None:
    answer = calm.exchange(b"HEAD /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /upload HTTP/1.1\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        b"GET /upload HTTP/1.0\r\nHost: a\r\nHost: b\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\tc: d\r\n",
        b"GET /upload HTTP/1.1\r\n Host: a\r\nHost: a\r\n",
    ],
    ids=["no host", "two hosts", "two hosts in 1.0", "folded header", "folded by a tab", "folded request line"],
)
def test_ambiguous_headers_are_refused(calm: Served, head: bytes) -> None:
    answer = calm.exchange(head + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request.invalid"


def test_http_1_0_needs_no_host(calm: Served) -> None:
    assert calm.exchange(b"GET /upload HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 ")


@pytest.mark.parametrize("value", [b"/tells", b"/", b"\xe4", b"%2Ftells"])
def test_a_client_cannot_set_the_root_path(calm: Served, value: bytes) -> None:
    head = b"GET /tells HTTP/1.1\r\nHost: a\r\nConnection: close\r\nDaphne-Root-Path: " + value

    scope = json.loads(calm.exchange(head + b"\r\n\r\n").partition(b"\r\n\r\n")[2])

    assert (scope["path"], scope["root_path"]) == ("/tells", "")
    assert scope["headers"] == ["host", "connection"]


def test_a_form_is_left_to_the_application(calm: Served) -> None:
    """Twisted would parse it, and refuse this one."""
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\nContent-Length: 4\r\n"

    answer = calm.exchange(head + b"Connection: close\r\n\r\nform")

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_request_that_arrives_byte_by_byte_is_answered(calm: Served) -> None:
    with calm.tcp() as tcp:
        for byte in b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab":
            tcp.sendall(bytes((byte,)))

        assert read_all(tcp).endswith(b"\r\n\r\n2")


def test_an_idle_connection_ends_without_a_reset(tmp_path: Path) -> None:
    with Served(tmp_path / "errors", http_idle=0.4, short_close_timeout=0.4) as served, served.tcp() as tcp:
        tcp.sendall(b"GET /upload HTTP/1.1\r\nHost: a\r\n\r\n")
        began = time.monotonic()

        assert read_all(tcp).endswith(b"\r\n\r\n0")
        assert time.monotonic() - began >= 0.4


def test_idle_connections_outlive_those_of_load_balancers() -> None:
    assert Limits().http_idle == 75


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /upload HTTP/1.1\r\nHost: a\r\n%s\r\nContent-Length: 300000\r\n\r\n",
        b"GET /broken HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n\r\n",
        b"GET /upload HTTP/1.1\r\n%s\r\n\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\n%s\r\nX-A: \x0b\r\nConnection: close\r\n\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\n%s\r\nno colon\r\n\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\n%s\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: a\r\n%s\r\nContent-Length: 9\r\n\r\n",
        b"GET /upload?" + b"x" * 20_000 + b" HTTP/1.1\r\n%s\r\nHost: a\r\n\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n%s\r\n\r\n",
        b"GET /upload HTTP/1.1\r\nHost: a\r\nno colon\r\n%s\r\n\r\n",
    ],
    ids=[
        *("413", "500", "no host", "400", "no header", "long header", "slow"),
        *("long URL", "long header before", "no header before"),
    ],
)
def test_refusals_by_the_server_have_cors_headers(calm: Served, request_: bytes) -> None:
    allowed = calm.exchange(request_ % f"Origin: {ORIGIN}".encode())
    foreign = calm.exchange(request_ % b"Origin: https://evil.example.com")

    assert allowed[9:12] == foreign[9:12] in (b"400", b"413", b"500")
    assert f"\r\naccess-control-allow-origin: {ORIGIN}\r\n".encode() in allowed.lower()
    assert b"\r\naccess-control-expose-headers: " in allowed.lower()
    assert b"\r\nvary: origin\r\n" in foreign.lower()
    assert b"access-control-allow-origin" not in foreign.lower()


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nX: "], ids=["silent", "begun"])
def test_a_client_above_the_connection_cap_is_closed_soon(tmp_path: Path, sent: bytes) -> None:
    """The places above the cap are for probes: a client there is closed soon, even before it has read its answer."""
    bounds = {"connections": 1, "brief": 0.3, "request": 60.0, "short_close_timeout": 60.0}
    with Served(tmp_path / "errors", **bounds) as served, served.tcp(), served.tcp() as above:
        above.sendall(sent)

        wait_until(lambda: is_reset(above), seconds=20, what="its place is still held")


def is_reset(tcp: socket.socket) -> bool:
    """A half-open connection accepts bytes, a closed one answers with a reset."""
    try:
        tcp.sendall(b"x")
    except ConnectionError:
        return True
    return False
