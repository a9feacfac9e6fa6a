"""A response that goes on for long: it is written without waiting, and its stalled reader is cut."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.realtime.server.served import PATIENCE, Served, read_all

PART = 65_536
KERNEL_BYTES = 8 * 1024 * 1024  # both ends of the connection


def ask(tcp: socket.socket, query: str = "", version: str = "1.1") -> None:
    tcp.sendall(f"POST /streams?{query} HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())


@pytest.mark.parametrize(("version", "is_chunked"), [("1.1", True), ("1.0", False)])
def test_the_parts_arrive_in_order(calm: Served, version: str, is_chunked: bool) -> None:
    with calm.tcp() as tcp:
        ask(tcp, version=version)
        head, _, body = read_all(tcp).partition(b"\r\n\r\n")

    assert (b"transfer-encoding: chunked" in head.lower()) == is_chunked
    if is_chunked:
        assert body.startswith(b"6\r\nfirst \r\n7\r\nsecond \r\n10000\r\nxxx")
        assert body.endswith(b"\r\n4\r\nlast\r\n0\r\n\r\n")
    else:
        assert body == b"first second " + b"x" * PART + b"last"


def test_nothing_is_written_while_something_waits(hasty: Served) -> None:
    tag = hasty.tag()
    tcp = socket.socket()
    tcp.settimeout(PATIENCE)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with tcp:
        tcp.connect(("127.0.0.1", hasty.port))
        ask(tcp, tag)

        full, ended = hasty.told(tag), hasty.told(tag)

    assert 0 < full["backlog"] <= PART + 16
    assert full["written"] * PART < KERNEL_BYTES
    assert (ended["type"], ended["after"]) == ("http.disconnect", False)  # the reader has stalled


def test_a_reader_that_is_gone_is_noticed(calm: Served) -> None:
    tag = calm.tag()
    with calm.tcp() as tcp:
        ask(tcp, tag)
        calm.told(tag)

    assert calm.told(tag)["type"] == "http.disconnect"


def test_the_application_is_told_when_the_server_ends(tmp_path: Path) -> None:
    with Served(tmp_path / "errors") as served:
        served.terminate()

        assert served.told("drain")["type"] == "drain"
