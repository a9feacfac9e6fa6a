"""SIGTERM: everybody is told, nobody is cut short, and the process ends."""

import select
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.realtime.server.served import CLOSE, PATIENCE, RawSocket, Served


def test_it_ends_in_good_order(tmp_path: Path) -> None:
    with Served(tmp_path / "errors") as served:
        tag = served.tag()
        sockets = [served.raw(f"/echo?{tag}") for _ in range(20)]
        young = served.tcp()
        served.terminate()

        ends = [leave(socket) for socket in sockets]
        codes = [served.told(tag)["code"] for _ in sockets]
        status = served.process.wait(5)
        young.close()

    assert status == 0
    assert {end[1:] for end in ends} == {(1012, "restart")}
    waits = [end[0]["data"].pop("retry_after_ms") for end in ends if end[0]]
    assert all(0 <= wait <= 1000 for wait in waits)
    assert len(set(waits)) > 5
    assert ends[0][0] == {"action": "goodbye", "data": {"code": 1012, "reason": "restart", "reconnect": True}}
    assert codes == [1012] * 20
    assert (tmp_path / "errors").read_text() == ""


def leave(socket: RawSocket) -> tuple[dict[str, dict[str, int]] | None, int, str]:
    with socket:
        end = socket.read_end()
        socket.send(b"\x03\xf4", CLOSE)
    return end


def test_a_request_in_flight_is_answered(tmp_path: Path) -> None:
    with Served(tmp_path / "errors") as served:
        connection = HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        connection.request("GET", "/slow?tag")
        served.told("tag")

        served.terminate()
        response = connection.getresponse()
        body = response.read()
        status = served.process.wait(5)
        with pytest.raises(ConnectionRefusedError):
            served.tcp()

    assert status == 0
    assert body == b"slow"
    assert response.headers["connection"] == "close"


def test_a_signal_right_after_the_start_is_heard(tmp_path: Path) -> None:
    with Served(tmp_path / "errors") as served:
        served.terminate()

        assert served.process.wait(5) == 0


def test_who_does_not_answer_is_dropped_and_who_does_not_end_is_cancelled(tmp_path: Path) -> None:
    with Served(tmp_path / "errors", last_words=0.5, drain=1.0, cancel=30) as served, served.raw("/sleeps?tag"):
        began = time.monotonic()
        served.terminate()
        status = served.process.wait(5)

        assert status == 0
        assert time.monotonic() - began < 3
        assert served.told("tag")["type"] == "cancelled"


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with Served(tmp_path / "errors") as served, served.raw("/sleeps") as socket:
        served.terminate()
        served.terminate()  # the echo of the first: one Ctrl-C reaches a process by two ways
        assert socket.read_end()[1] == 1012
        began = time.monotonic()

        while served.process.poll() is None:
            served.terminate()
            select.select([], [], [], 0.1)

        assert served.process.returncode == 1
        assert time.monotonic() - began < 1
