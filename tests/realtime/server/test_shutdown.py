"""SIGTERM: clients get a goodbye, open requests are answered, and the process ends."""

import select
import signal
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.realtime.server.served import CLOSE, PATIENCE, RawSocket, Served, read_all
from tests.services import wait_until


def test_sigterm_sends_goodbyes_and_ends_the_process(tmp_path: Path) -> None:
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


GET = b"GET /slow?%s HTTP/1.1\r\nHost: a\r\n\r\n"


def test_requests_in_the_listen_backlog_are_answered(tmp_path: Path) -> None:
    """The server is stopped while the clients connect and send, so that it finds them and the signal at once."""
    with Served(tmp_path / "errors") as served:
        served.process.send_signal(signal.SIGSTOP)
        waiting = [served.tcp() for _ in range(50)]
        for tcp in waiting:
            tcp.sendall(GET % b"tag")
        served.terminate()
        served.process.send_signal(signal.SIGCONT)

        answers = [read_all(tcp) for tcp in waiting]
        for tcp in waiting:
            tcp.close()

        assert served.process.wait(PATIENCE) == 0
    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 200 "] * 50
    assert all(b"onnection: close" in answer and answer.endswith(b"slow") for answer in answers)


def test_the_kernel_accepts_no_connection_after_the_close(tmp_path: Path) -> None:
    with Served(tmp_path / "errors") as served, served.tcp() as busy:
        busy.sendall(GET % b"tag")
        served.told("tag")

        served.terminate()

        wait_until(lambda: refuses(served), seconds=PATIENCE, what="still listening")
        assert read_all(busy).endswith(b"slow")


def refuses(served: Served) -> bool:
    try:
        served.tcp().close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_on_an_idle_connection_during_shutdown_is_answered(tmp_path: Path) -> None:
    with Served(tmp_path / "errors", last_call=2.0) as served, served.tcp() as idle, served.tcp() as young:
        idle.sendall(GET % b"first")
        served.told("first")
        while not idle.recv(65_536).endswith(b"slow"):
            pass
        served.terminate()
        wait_until(lambda: refuses(served), seconds=PATIENCE, what="still listening")

        for tcp in (idle, young):
            tcp.sendall(GET % b"second")
        answers = [read_all(idle), read_all(young)]

        assert served.process.wait(PATIENCE) == 0
    assert all(b"onnection: close" in answer and answer.endswith(b"slow") for answer in answers)


def test_a_partial_request_during_shutdown_is_answered(tmp_path: Path) -> None:
    with Served(tmp_path / "errors", last_call=0.1) as served, served.tcp() as tcp:
        tcp.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        with served.tcp() as later:  # an answer to a later connection: the first has been read
            later.sendall(b"GET /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            read_all(later)
        served.terminate()
        wait_until(lambda: refuses(served), seconds=PATIENCE, what="still listening")

        tcp.sendall(b"cd")

        assert read_all(tcp).endswith(b"\r\n\r\n4")


def test_an_idle_connection_does_not_delay_the_shutdown(tmp_path: Path) -> None:
    with Served(tmp_path / "errors", last_call=0.1) as served, served.tcp() as idle:
        served.terminate()

        assert read_all(idle) == b""
        assert served.process.wait(PATIENCE) == 0


def test_an_unfinished_request_gets_unavailable(tmp_path: Path) -> None:
    with Served(tmp_path / "errors", drain=0.3) as served, served.tcp() as slow, served.tcp() as half:
        half.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        slow.sendall(b"GET /hangs?tag HTTP/1.1\r\nHost: a\r\n\r\n")
        served.told("tag")
        served.terminate()

        answers = [read_all(slow), read_all(half)]

    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 503 "] * 2
    assert all(b"retry-after: 1" in answer.lower() for answer in answers)


def test_the_scope_reports_draining(tmp_path: Path) -> None:
    with Served(tmp_path / "errors", last_call=2.0) as served, served.tcp() as tcp:
        tcp.sendall(b"GET /tells HTTP/1.1\r\nHost: a\r\n\r\n")
        before = tcp.recv(65_536)
        served.terminate()
        wait_until(lambda: refuses(served), seconds=PATIENCE, what="still listening")

        tcp.sendall(b"GET /tells HTTP/1.1\r\nHost: a\r\n\r\n")

        assert b'"draining": false' in before
        assert b'"draining": true' in read_all(tcp)


def test_a_signal_right_after_the_start_ends_the_process(tmp_path: Path) -> None:
    with Served(tmp_path / "errors") as served:
        served.terminate()

        assert served.process.wait(5) == 0


def test_silent_clients_are_dropped_and_running_applications_cancelled(tmp_path: Path) -> None:
    with (
        Served(tmp_path / "errors", short_close_timeout=0.5, drain=1.0, cancel=30) as served,
        served.raw("/sleeps?tag"),
    ):
        began = time.monotonic()
        served.terminate()
        status = served.process.wait(5)

        assert status == 0
        assert time.monotonic() - began < 3
        assert served.told("tag")["type"] == "cancelled"


def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
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
