"""Requests whose end two readers may see at two places: the proxy and the servers never read another request in one."""

from __future__ import annotations

import re
import socket
from uuid import uuid4

import httpx
import pytest

from tests.proxy.people import Sender
from tests.proxy.proxy import Proxy
from tests.proxy.raw import PATIENCE, connect
from tests.servers import ParleyServer

STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3}) ", re.MULTILINE)
HIDDEN = "/v1/smuggled"  # of the request that stands where a reader may expect a body
LOGIN = b"POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def hidden(request_id: str) -> bytes:
    return f"GET {HIDDEN} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: {request_id}\r\n\r\n".encode()


def by_length(*lines: bytes) -> bytes:
    """Make a head: the hidden request is in the body by Content-Length, and after the body by the chunks."""
    return LOGIN + b"".join(line + b"\r\n" for line in lines) + b"\r\n0\r\n\r\n"


LENGTH = b"Content-Length: %d"
CHUNKED = b"Transfer-Encoding: chunked"
# The published forms (CL.TE, TE.CL, TE.TE, CL.CL, chunk extensions and sizes, line ends), each with a %d for the length
# of a body that holds the hidden request.
CORPUS: dict[str, bytes] = {
    "length and chunks": by_length(LENGTH, CHUNKED),
    "chunks and length": by_length(CHUNKED, LENGTH),
    "space before the colon": by_length(LENGTH, b"Transfer-Encoding : chunked"),
    "tab after the colon": by_length(LENGTH, b"Transfer-Encoding:\tchunked"),
    "vertical tab": by_length(LENGTH, b"Transfer-Encoding:\x0bchunked"),
    "folded": by_length(LENGTH, b"Transfer-Encoding:\r\n chunked"),
    "quoted": by_length(LENGTH, b'Transfer-Encoding: "chunked"'),
    "identity": by_length(LENGTH, b"Transfer-Encoding: identity"),
    "chunked and identity": by_length(LENGTH, b"Transfer-Encoding: chunked, identity"),
    "twice": by_length(LENGTH, CHUNKED, b"Transfer-Encoding: x"),
    "chunked twice": by_length(LENGTH, CHUNKED, CHUNKED),
    "unknown coding": by_length(LENGTH, b"Transfer-Encoding: xchunked"),
    "underscore": by_length(LENGTH, b"Transfer_Encoding: chunked"),
    "bare line feed in the name": by_length(LENGTH, b"X: y\nTransfer-Encoding: chunked"),
    "bare return in the name": by_length(LENGTH, b"X: y\rTransfer-Encoding: chunked"),
    "nul": by_length(LENGTH, b"Transfer-Encoding: chunked\x00"),
    "long s": by_length(LENGTH, "Tran\u017ffer-Encoding: chunked".encode()),
    "two lengths": by_length(b"Content-Length: 5", LENGTH),
    "two lengths in one": by_length(b"Content-Length: 5, %d"),
    "length with a sign": by_length(b"Content-Length: +%d"),
    "length in hexadecimal": by_length(b"Content-Length: 0x%x"),
    "length with an underscore": by_length(b"Content-Length: 0_%d"),
    "negative length": by_length(b"Content-Length: -%d"),
    "chunk with a sign": by_length(CHUNKED).removesuffix(b"0\r\n\r\n") + b"+%x\r\n",
    "chunk in 0x": by_length(CHUNKED).removesuffix(b"0\r\n\r\n") + b"0x%x\r\n",
    "chunk beyond 64 bits": by_length(CHUNKED).removesuffix(b"0\r\n\r\n") + b"1000000000000000%x\r\n",
    "extension with a line feed": by_length(CHUNKED).removesuffix(b"0\r\n\r\n") + b"2;\n%x\r\n",
    "line feed after the last chunk": by_length(CHUNKED).removesuffix(b"0\r\n\r\n") + b"0\n\n",
    "http 1.0": by_length(LENGTH, CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0"),
}


def attack(port: int, case: str, request_id: str) -> bytes:
    """Send a case with the hidden request behind it, and return every byte of the answers."""
    request = hidden(request_id)
    start = CORPUS[case]
    if b"%" in start:
        start %= len(request) + (len(b"0\r\n\r\n") if start.endswith(b"0\r\n\r\n") else 0)
    answers = b""
    with connect(port) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.sendall(start + request)
            connection.shutdown(socket.SHUT_WR)  # the answers end with the connection
            while piece := connection.recv(65_536):
                answers += piece
        except (BrokenPipeError, ConnectionResetError):
            pass
    return answers


@pytest.mark.parametrize("case", CORPUS)
def test_no_request_is_smuggled_past_the_proxy(proxy: Proxy, sender: Sender, case: str) -> None:
    """The hidden request is answered only where the proxy read it as the client's next request."""
    request_id = uuid4().hex

    answers = attack(proxy.port, case, request_id)

    statuses = [int(status) for status in STATUS.findall(answers)]
    assert statuses, "no answer"
    assert 400 <= statuses[0] <= 501
    assert len(statuses) == 1 + (f"X-Request-Id: {request_id}".encode().lower() in answers.lower())
    with httpx.Client(headers=sender.headers, timeout=PATIENCE) as client:
        for name in (uuid4().hex for _ in range(4)):
            answer = client.get(f"{proxy.url}/v1/rooms/{sender.room_id}", headers={"X-Request-ID": name})
            assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, name)


@pytest.mark.parametrize("case", CORPUS)
def test_a_server_reads_no_request_behind_an_ambiguous_one(servers: list[ParleyServer], case: str) -> None:
    request_id = uuid4().hex

    answers = attack(servers[0].port, case, request_id)

    assert [int(status) for status in STATUS.findall(answers)] in ([], [400])
    assert request_id.encode() not in answers
