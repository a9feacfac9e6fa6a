"""A connection that is reset with unread input ends alone."""

import socket
import struct
import time
from base64 import b64encode

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.servers import ParleyServer


def test_a_reset_behind_unread_data_does_not_stop_other_goodbyes() -> None:
    with ParleyServer() as server, connect(f"{server.ws_url}/v1/ws", ping_interval=None) as bystander:
        doomed = _open_socket(server.port)
        server.pause()
        doomed.sendall(_masked(b'{"action":"ping"}'))
        _reset(doomed)
        server.resume()
        bystander.send('{"action":"ping"}')
        bystander.recv(timeout=5)

        began = time.monotonic()
        server.stop()

        assert _close_code(bystander) == 1012
        assert time.monotonic() - began < 4, "the watchdog ended it, not the drain"


def _open_socket(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port))
    key = b64encode(b"0123456789abcdef").decode()
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13"
    opened.sendall(f"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{upgrade}\r\n\r\n".encode())
    assert opened.recv(4096).startswith(b"HTTP/1.1 101")
    return opened


def _close_code(websocket: ClientConnection) -> int | None:
    try:
        while True:
            websocket.recv(timeout=5)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def _masked(text: bytes) -> bytes:
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


def _reset(doomed: socket.socket) -> None:
    doomed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    doomed.close()
