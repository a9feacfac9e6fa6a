"""Messages in one frame or several, which arrive in one segment or in pieces."""

import pytest

from tests.realtime.server.served import PING, PONG, TEXT, Served, frame


@pytest.mark.parametrize("size", [1, 2, 62, 63, 100, 32_767, 32_768])
def test_a_text_of_any_size_is_echoed(calm: Served, size: int) -> None:
    text = "ü" * size  # two bytes each; masked with a key of the client's own
    with calm.connect("/echo") as socket:
        socket.send(text)

        assert socket.recv() == text


def test_a_frame_that_arrives_in_pieces_is_echoed(calm: Served) -> None:
    with calm.raw("/echo") as socket:
        for byte in frame(b"a" * 130) + frame(b"b"):
            socket.tcp.sendall(bytes([byte]))

        assert [socket.read(), socket.read()] == [(TEXT, b"a" * 130), (TEXT, b"b")]


def test_frames_that_arrive_in_one_segment_are_echoed(calm: Served) -> None:
    with calm.raw("/echo") as socket:
        fragments = frame(b"b", fin=False) + frame(b"?", PING) + frame(b"c", 0)
        socket.tcp.sendall(frame(b"a") + fragments + frame(b"d") + frame(b"e" * 200)[:50])
        socket.tcp.sendall(frame(b"e" * 200)[50:])

        heard = [socket.read() for _ in range(5)]
        assert sorted(heard) == sorted([(TEXT, b"a"), (PONG, b"?"), (TEXT, b"bc"), (TEXT, b"d"), (TEXT, b"e" * 200)])
        assert [payload for opcode, payload in heard if opcode == TEXT] == [b"a", b"bc", b"d", b"e" * 200]


def test_an_overlong_length_encoding_closes_with_1002(calm: Served) -> None:
    with calm.raw("/echo") as socket:
        socket.tcp.sendall(bytes([0x80 | TEXT, 0x80 | 126, 0, 5]) + bytes(4) + b"short")

        assert socket.read_end()[1] == 1002
