"""The limits on one client: memory, queues and heartbeats."""

import select
import time
from socket import socket as TcpSocket

import pytest

from tests.realtime.server.served import HANDSHAKE, PATIENCE, PING, PONG, TEXT, RawSocket, Served, frame, goodbye

MIB = 1024 * 1024


def feed(socket: RawSocket, data: bytes, seconds: float) -> int:
    return feed_tcp(socket.tcp, data, seconds)


def feed_tcp(tcp: TcpSocket, data: bytes, seconds: float) -> int:
    """Send as much as the server takes until it takes nothing for a second, or the time is over; the bytes taken."""
    tcp.setblocking(False)
    end, sent = time.monotonic() + seconds, 0
    while time.monotonic() < end and select.select([], [tcp], [], 1.0)[1]:
        try:
            sent += tcp.send(data)
        except BlockingIOError:
            continue
        except ConnectionError:
            break
    tcp.settimeout(PATIENCE)
    return sent


def test_one_frame_object_serves_many_sends(calm: Served) -> None:
    tag = calm.tag()
    with calm.connect(f"/shares?{tag}") as socket:
        assert [socket.recv(), socket.recv()] == ["grüße", "grüße"]
        assert calm.told(tag)["once"] is True

    assert calm.told(tag)["type"] == "websocket.disconnect"
    assert calm.told(tag)["written"] is False


def test_a_flood_to_a_busy_application_is_not_read_from_the_network(calm: Served) -> None:
    with calm.raw("/echo") as warm:
        warm.send(b"x" * 65_536)
        warm.read()
    with calm.raw("/sleeps") as socket:
        before = calm.memory()

        taken = feed(socket, frame(b"x" * 60_000) * 20, seconds=5)

        assert taken < 20 * MIB  # kernel buffers; the client cannot even send the rest of its 120 MB
        assert calm.memory() - before <= 2 * MIB


def test_a_flood_of_tiny_frames_is_echoed_completely(calm: Served) -> None:
    with calm.raw("/echo") as socket:
        socket.tcp.sendall(frame(b"") * 5_000 + frame(b"end"))

        assert [socket.read() for _ in range(5_001)] == [(TEXT, b"")] * 5_000 + [(TEXT, b"end")]


@pytest.mark.parametrize("path", ["/sends", "/writes"])
def test_a_stalled_reader_that_keeps_sending_is_closed(hasty: Served, path: str) -> None:
    with hasty.raw("/echo") as first:  # a process loads its settings with the first handshake
        first.send(b"hello")
        first.read()
    tag = hasty.tag()
    before = hasty.memory()
    with hasty.raw(f"{path}?{tag}", receive_buffer=4096) as socket:
        began, peak = time.monotonic(), 0
        while select.select([], [socket.tcp], [], 0.05)[1] and time.monotonic() - began < PATIENCE:
            try:
                socket.send(b"still here")
                socket.send(opcode=PONG)
            except ConnectionError:
                break
            peak = max(peak, hasty.memory())
        took = time.monotonic() - began

    assert 0.6 <= took < 4
    assert peak - before <= 2 * MIB
    assert hasty.told(tag)["code"] == 4002


def test_a_reader_that_resumes_gets_the_close_reason(hasty: Served) -> None:
    tag = hasty.tag()
    with hasty.raw(f"/writes?{tag}", receive_buffer=4096) as socket:
        assert hasty.told(tag)["code"] == 4002

        assert socket.read_end() == (goodbye(4002, "too_slow", reconnect=True), 4002, "too_slow")


def test_an_application_that_ignores_the_backlog_is_aborted(calm: Served) -> None:
    tag = calm.tag()
    before = calm.memory()
    with calm.raw(f"/floods?{tag}"):
        assert calm.told(tag)["code"] == 1006

    assert calm.memory() - before <= 3 * MIB


def test_endless_pings_are_not_all_answered(calm: Served) -> None:
    before = calm.memory()
    with calm.raw("/sleeps", receive_buffer=4096) as socket:
        feed(socket, frame(b"x" * 125, PING) * 100, seconds=1)

        assert calm.memory() - before <= 2 * MIB


@pytest.mark.parametrize(
    "flood",
    [
        frame(b"", PING) * 500,
        frame(b"", PONG) * 500,
        frame(b"x" * 125, PING) * 100,
        (frame(b"", fin=False) + frame(b"", 0, fin=False) * 200 + frame(b"", 0)) * 4,
    ],
    ids=["empty pings", "empty pongs", "pings", "empty fragments"],
)
def test_frames_without_a_message_are_read_slowly(calm: Served, flood: bytes) -> None:
    with calm.raw("/listens") as socket, calm.raw("/echo") as other:
        taken = feed(socket, flood, seconds=3)

        other.send(b"still served")
        assert other.read() == (TEXT, b"still served")

    assert taken < 8 * MIB  # kernel buffers; unbounded it takes 40 MB and a core


def test_occasional_pings_are_answered_at_once(calm: Served) -> None:
    with calm.raw("/listens") as socket:
        for number in range(50):
            socket.send(b"%d" % number, PING)

            assert socket.read() == (PONG, b"%d" % number)


def test_a_throttled_socket_is_read_again(calm: Served) -> None:
    with calm.raw("/echo") as socket:
        socket.tcp.sendall(frame(b"", PONG) * 70)
        socket.send(b"after the flood")

        assert socket.read() == (TEXT, b"after the flood")


def test_a_flood_before_the_accept_is_aborted(calm: Served) -> None:
    tag = calm.tag()
    with calm.tcp() as tcp:
        tcp.sendall(HANDSHAKE.format(path=f"/undecided?{tag}").encode())
        feed_tcp(tcp, b"x" * 65_536, seconds=5)

    assert calm.told(tag)["code"] == 1006


class TestHeartbeat:
    """Every socket is pinged, and lives by its pongs alone."""

    def test_a_client_that_answers_pings_stays_connected(self, hasty: Served) -> None:
        with hasty.raw("/echo") as socket:
            for _ in range(3):
                opcode, payload = socket.read()
                assert opcode == PING
                socket.send(payload, PONG)

            socket.send(b"alive")
            assert socket.read() == (TEXT, b"alive")

    def test_a_client_that_sends_but_never_answers_pings_is_closed(self, hasty: Served) -> None:
        tag = hasty.tag()
        with hasty.raw(f"/sleeps?{tag}") as socket:
            socket.send(b"I am here")
            socket.send(b"", PONG)

            assert socket.read_end() == (goodbye(4004, "heartbeat", reconnect=True), 4004, "heartbeat")
            socket.wait_until_gone()

    def test_a_client_that_sends_endlessly_without_pongs_is_closed(self, hasty: Served) -> None:
        tag = hasty.tag()
        with hasty.raw(f"/sleeps?{tag}") as socket:
            feed(socket, frame(b"x" * 1000) * 10, seconds=1.5)

            assert socket.read_end()[1] == 4004

    def test_another_protocol_is_closed_without_a_goodbye(self, hasty: Served) -> None:
        with hasty.raw("/silent") as socket:
            assert socket.read_end() == (None, 4004, "heartbeat")
