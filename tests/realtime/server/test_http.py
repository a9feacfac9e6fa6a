"""The HTTP side of the server: bounded bodies, deadlines, and problems instead of error pages."""

import json
import time

import httpx
import pytest

from tests.realtime.server.served import Served


def url(served: Served, path: str) -> str:
    return f"http://127.0.0.1:{served.port}{path}"


def test_it_works(calm: Served) -> None:
    response = httpx.post(url(calm, "/upload"), content=b"x" * 262_144)

    assert (response.status_code, response.text) == (200, "262144")
    assert "server" not in response.headers


@pytest.mark.parametrize("length", [b"Content-Length: 1000000000", b"Transfer-Encoding: chunked"])
def test_a_large_body_is_cut_early(calm: Served, length: bytes) -> None:
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


def test_a_large_body_is_not_even_asked_for(calm: Served) -> None:
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
def test_a_request_that_trickles_is_cut(calm: Served, beginning: bytes, answer: bytes) -> None:
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
def test_what_is_not_http_is_a_problem(calm: Served, request_: bytes, status: int, code: str) -> None:
    with calm.tcp() as tcp:
        tcp.sendall(request_)
        answer = b""
        while more := tcp.recv(65_536):
            answer += more

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body)["code"] == code


def test_a_download_that_nobody_reads_is_cut(hasty: Served) -> None:
    tag = hasty.tag()
    before = hasty.memory()
    with hasty.tcp() as tcp:
        tcp.sendall(b"GET /download?%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % tag.encode())

        assert hasty.told(tag)["error"] == "Disconnected"
        assert hasty.memory() - before <= 2 * 1024 * 1024


def test_an_idle_connection_may_be_used_again(calm: Served) -> None:
    with httpx.Client() as client:
        first = client.get(url(calm, "/upload"))
        time.sleep(0.8)  # longer than the deadline of a request: idleness is what is tested
        second = client.get(url(calm, "/upload"))

    assert (first.status_code, second.status_code) == (200, 200)


def test_an_application_that_raises_is_a_problem(calm: Served) -> None:
    response = httpx.get(url(calm, "/broken"), headers={"X-Request-ID": "r1"})

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.json()["code"], response.json()["request_id"]) == ("internal", "r1")
