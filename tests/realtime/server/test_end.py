"""The end of a websocket: close frames, goodbyes and lost connections."""

from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.realtime.server.served import CLOSE, Served, frame, goodbye


@pytest.mark.parametrize(("path", "code"), [("/returns", 1000), ("/raises", 1011)])
def test_an_application_that_ends_closes_its_socket(calm: Served, path: str, code: int) -> None:
    with calm.raw(path) as socket:
        assert socket.read_end() == (None, code, "")


def test_a_close_by_the_client_is_answered_and_reaches_the_application(calm: Served) -> None:
    tag = calm.tag()
    with calm.connect(f"/echo?{tag}") as socket:
        socket.close(4000, "bye")

    assert calm.told(tag) == {"tag": tag, "type": "websocket.disconnect", "code": 4000, "reason": "bye"}


def test_a_lost_connection_reaches_the_application_as_1006(calm: Served) -> None:
    tag = calm.tag()
    calm.raw(f"/echo?{tag}").tcp.close()

    assert calm.told(tag)["code"] == 1006


def test_frames_before_a_close_reach_the_application(calm: Served) -> None:
    tag = calm.tag()
    with calm.raw(f"/listens?{tag}") as socket:
        socket.tcp.sendall(frame(b"x") * 50 + frame(b"\x03\xe8", CLOSE))

        assert socket.read_end() == (None, 1000, "")
    assert calm.told(tag) == {"tag": tag, "type": "websocket.disconnect", "code": 1000, "reason": "", "frames": 50}


def test_an_application_can_abort_its_connection(calm: Served) -> None:
    tag = calm.tag()
    with calm.raw(f"/aborts?{tag}") as socket:
        socket.wait_until_gone()

    assert calm.told(tag)["code"] == 1006


def test_an_application_that_does_not_return_is_cancelled(calm: Served) -> None:
    tag = calm.tag()
    calm.raw(f"/sleeps?{tag}").tcp.close()

    assert calm.told(tag)["type"] == "cancelled"


def test_a_client_that_does_not_answer_the_close_is_dropped(hasty: Served) -> None:
    with hasty.raw("/returns") as socket:
        assert socket.read_end() == (None, 1000, "")

        socket.wait_until_gone()


def test_an_application_can_shorten_the_close_timeout(tmp_path: Path) -> None:
    """The connection ends without a reset, so that a slow client still reads why."""
    with Served(tmp_path / "errors", close_timeout=600.0) as served, served.raw("/leaves") as socket:
        assert socket.read_end() == (None, 4408, "")

        assert socket.tcp.recv(1) == b""


def test_broken_framing_closes_with_1002(calm: Served) -> None:
    tag = calm.tag()
    with calm.raw(f"/echo?{tag}") as socket:
        socket.tcp.sendall(b"\x83\x80\x00\x00\x00\x00" + b"nonsense" * 1000)

        assert socket.read_end()[1] == 1002
        assert socket.tcp.recv(1) == b""
    assert calm.told(tag)["code"] == 1002


def test_text_that_is_not_utf8_closes_with_1007(calm: Served) -> None:
    with calm.connect("/echo") as socket:
        socket.send(b"\xff\xfe", text=True)

        with pytest.raises(ConnectionClosed) as end:
            socket.recv()

    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1007


class TestTooBig:
    """A message of more than 64 KiB."""

    def test_the_largest_frame_is_accepted(self, calm: Served) -> None:
        with calm.connect("/echo") as socket:
            socket.send("x" * 65_536)

            assert len(socket.recv()) == 65_536

    def test_a_frame_above_the_limit_closes_with_a_goodbye(self, calm: Served) -> None:
        tag = calm.tag()
        with calm.raw(f"/echo?{tag}") as socket:
            socket.send(b"x" * 5_000_000)  # all of it is taken, so that the answer is not lost in a reset

            assert socket.read_end() == (goodbye(1009, "frame_too_big", reconnect=False), 1009, "frame_too_big")
            socket.send(b"\x03\xf1", CLOSE)
            assert socket.tcp.recv(1) == b""
        assert calm.told(tag)["code"] == 1009

    def test_the_limit_applies_to_all_fragments_of_a_message(self, calm: Served) -> None:
        with calm.raw("/echo") as socket:
            socket.send(b"x" * 40_000, fin=False)
            socket.send(b"x" * 40_000, opcode=0)

            assert socket.read_end()[1] == 1009

    def test_endless_empty_fragments_close_the_socket(self, calm: Served) -> None:
        with calm.raw("/echo") as socket:
            socket.send(fin=False)
            for _ in range(300):
                socket.send(opcode=0, fin=False)

            assert socket.read_end()[1] == 1009

    def test_the_server_can_send_a_mebibyte(self, calm: Served) -> None:
        with calm.connect("/large", max_size=None) as socket:
            assert [len(socket.recv()), socket.recv()] == [1024 * 1024, ""]
