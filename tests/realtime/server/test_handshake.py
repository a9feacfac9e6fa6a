"""The opening handshake of a websocket."""

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.realtime.server.served import HANDSHAKE, ORIGIN, Served


def test_it_works(calm: Served) -> None:
    with calm.connect("/echo") as socket:
        socket.send("grüße")
        socket.send(b"\x00\xff")

        assert [socket.recv(), socket.recv()] == ["grüße", b"\x00\xff"]


def test_the_scope_of_a_websocket_is_complete(calm: Served) -> None:
    with calm.connect("/describe?", subprotocols=["chat.v1", "bearer.secret"]) as socket:
        scope = json.loads(socket.recv())

        assert socket.subprotocol == "chat.v1"
        assert socket.response is not None
        assert socket.response.headers.get_all("x-one") == ["1", "2"]
        assert scope["client"][0] == "127.0.0.1"
        assert scope["subprotocols"] == ["chat.v1", "bearer.secret"]
        assert scope["scheme"] == "ws"
        assert scope["extension"] == ["abort", "backlog", "drain", "goodbye", "try_write", "write"]


@pytest.mark.parametrize(
    "more",
    [
        {"X-Name": "ä"},
        [("X-Name", "one"), ("X-Name", "two")],
        {"X-Long": "x" * 5_000},
        {"Daphne-Root-Path": "/describe"},
    ],
    ids=["latin", "twice", "long", "root path"],
)
def test_every_handshake_gives_the_application_the_same(calm: Served, more: Any) -> None:
    """A plain handshake is read by the websocket itself, any other one by Twisted first."""
    scopes = []
    headers: Any
    for headers in ({}, more):
        with calm.connect("/describe?a=%20&b", subprotocols=["chat.v1"], additional_headers=headers) as socket:
            scopes.append(json.loads(socket.recv()))

    for scope in scopes:
        scope["headers"] = [each for each in scope["headers"] if not each[0].startswith(("sec-websocket-key", "x-"))]
        del scope["client"]
    assert scopes[0] == scopes[1]
    assert (scopes[0]["query"], scopes[0]["raw_path"]) == ("a=%20&b", "/describe")


@pytest.mark.parametrize(
    "line",
    ["Host: other", "X-Name : value", "X-Name: a\r\n b", "Transfer-Encoding: gzip", "Na(me: value", "X-Name: \0"],
    ids=["second host", "space before colon", "folded", "encoding", "name", "nul"],
)
def test_a_handshake_with_a_malformed_header_is_refused(calm: Served, line: str) -> None:
    answer = calm.exchange(HANDSHAKE.format(path="/echo").replace("\r\n\r\n", f"\r\n{line}\r\n\r\n").encode())

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_compression_is_never_negotiated(calm: Served) -> None:
    with calm.connect("/echo", compression="deflate") as socket:
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers


def test_a_close_before_accept_is_403(calm: Served) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        calm.connect("/refuse")

    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize("value", ["/echo", "/", "%2Fdescribe", "ä"])
def test_a_client_cannot_set_the_root_path(calm: Served, value: str) -> None:
    headers = {"Daphne-Root-Path": value.encode("latin-1", "replace").decode("latin-1")}
    with calm.connect("/describe?", subprotocols=["chat.v1"], additional_headers=headers) as socket:
        scope = json.loads(socket.recv())

    assert (scope["path"], scope["root_path"]) == ("/describe", "")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (HANDSHAKE.format(path="/refuse"), 403, "forbidden"),
        (HANDSHAKE.format(path="/denies"), 404, ""),
        (HANDSHAKE.format(path="/undecided?x"), 503, "unavailable"),
        (HANDSHAKE.format(path="/echo").replace("GET", "POST"), 405, "method_not_allowed"),
        (HANDSHAKE.format(path="/echo").replace("Connection: Upgrade\r\n", ""), 400, "request.invalid"),
        (HANDSHAKE.format(path="/echo").replace("Version: 13", "Version: 12"), 400, "request.invalid"),
        (HANDSHAKE.format(path="/echo").replace("dGhl", "d"), 400, "request.invalid"),
    ],
    ids=["refused", "denied", "undecided", "method", "connection", "version", "key"],
)
def test_a_refused_handshake_gets_a_problem(calm: Served, request_: str, status: int, code: str) -> None:
    answer = calm.exchange(request_.replace("\r\n\r\n", f"\r\nOrigin: {ORIGIN}\r\n\r\n").encode())

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    if code:
        assert json.loads(body)["code"] == code
        assert f"access-control-allow-origin: {ORIGIN}".encode() in head.lower()
    else:
        assert (head.partition(b"x-one: ")[2][:1], body) == (b"1", b"in two parts")


def test_an_application_that_does_not_accept_in_time_is_503(calm: Served) -> None:
    tag = calm.tag()

    with pytest.raises(InvalidStatus) as refusal:
        calm.connect(f"/undecided?{tag}")

    assert refusal.value.response.status_code == 503
    assert calm.told(tag)["code"] == 1006


def test_a_close_by_the_application_has_its_code_and_reason(calm: Served) -> None:
    tag = calm.tag()
    with calm.connect(f"/describe?{tag}", subprotocols=["chat.v1"]) as socket:
        socket.recv()
        with pytest.raises(ConnectionClosed) as end:
            socket.recv()

    assert end.value.rcvd is not None
    assert (end.value.rcvd.code, end.value.rcvd.reason) == (1013, "ü" * 61)
    assert calm.told(tag)["code"] == 1013
